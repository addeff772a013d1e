"""The tables of a catalogue, the same on SQLite and PostgreSQL.

products   the truth: one row a product, as the JSON that travels on the request path
vectors    a row of 16-bit floats by product and space, and the content that it was made of
pictures   bytes of the pictures that came with a product, by hash; those of a catalogue file stay where they are
columns    the kind of every attribute
spaces     the spaces that vectors may be of
journal    which product changed, by sequence number; what became of it stands in ``products`` and ``vectors``
head       one row: the last sequence number. Its lock is the lock of all writing
meta       name and value: ``schema``, ``catalogue_id``, ``pictures`` (the catalogue file)
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

SCHEMA = "1"
CHANNEL = "tandem_catalogue"

# By bytes, as SQLite does: an order by id is the same everywhere.
_KEY: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")

# The rowid itself on SQLite, rather than an index beside it.
_NUMBER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", _KEY, primary_key=True),
    Column("value", Text, nullable=False),
)

head = Table(
    "head",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("trimmed", BigInteger, nullable=False),
)

products = Table(
    "products",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("document", Text, nullable=False),
    Column("content", BigInteger, nullable=False, index=True, comment="sequence number of the last upsert"),
    Column("picture", _KEY, comment="key in pictures"),
)
Index(
    "ix_products_picture",
    products.c.picture,
    sqlite_where=products.c.picture.is_not(None),
    postgresql_where=products.c.picture.is_not(None),
)

vectors = Table(
    "vectors",
    metadata,
    Column("product_id", _KEY, primary_key=True),
    Column("space_id", _KEY, primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="sequence number of the write that brought it"),
    Column("content", BigInteger, nullable=False, comment="content of the product that it was made of"),
    Column("row", LargeBinary, nullable=False, comment="float16, little-endian: text half, image half"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("sha256", _KEY, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

columns = Table(
    "columns",
    metadata,
    Column("name", _KEY, primary_key=True),
    Column("kind", Text, nullable=False),
)

spaces = Table(
    "spaces",
    metadata,
    Column("space_id", _KEY, primary_key=True),
    Column("text_dim", Integer, nullable=False),
    Column("image_dim", Integer, nullable=False),
    Column("text_fields", Text, nullable=False, comment="JSON list"),
    Column("since", BigInteger, nullable=False, comment="sequence number at which it was registered"),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("product_id", _KEY, nullable=False),
    Column("kind", Text, nullable=False),
    Column("space_id", _KEY, comment="of an embedding: no other space sees it"),
    Column("at", Text, nullable=False, comment="UTC, ISO 8601"),
)
