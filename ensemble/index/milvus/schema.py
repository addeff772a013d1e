"""The two collections of a space: its products, and what is known about them.

Both have a vector, since Milvus demands one; that of the second collection means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index.milvus.connection import Connection
from ensemble.index.milvus.errors import MilvusRefused
from ensemble.index.milvus.options import MilvusOptions
from ensemble.index.milvus.tokens import LENGTH

STRONG = "Strong"
METRIC = "IP"
OLDEST = (2, 6, 2)
MAX_TEXT_BYTES = 65_535
MAX_TERMS = 4_096
_ID_BYTES = 4 * 256


@dataclass(frozen=True)
class Names:
    """The collections of one space.

    Args:
        products: One entity a product that has a row.
        state: What is known about them: up to where they are, who feeds them, which products have no row.
    """

    products: str
    state: str

    @classmethod
    def of(cls, options: MilvusOptions, space_id: str) -> Names:
        """Names that Milvus takes, whatever the space's id is."""
        name = f"{options.collection}_{blake2b(space_id.encode(), digest_size=8).hexdigest()}"
        return cls(name, f"{name}_state")


def create(connection: Connection, names: Names, row_dim: int) -> None:
    """Make both collections, where they are not there, and load them.

    Raises:
        MilvusAway: Milvus does not answer.
        MilvusRefused: It does not take them, or is older than 2.6.2, which merges no partial upserts.
    """
    check_version(str(connection.call("get_server_version")))
    limit = connection.options.slow_timeout_s
    for name in (names.products, names.state):
        schema, indexes = _products(connection, row_dim) if name == names.products else _state(connection)
        if not connection.call("has_collection", name):
            connection.call("create_collection", name, schema=schema, consistency_level=STRONG, timeout_s=limit)
        if not connection.call("list_indexes", name):  # also where the one who made it died in between
            connection.call("create_index", name, indexes, sync=False, timeout_s=limit)
    load(connection, names)


def load(connection: Connection, names: Names) -> None:
    """Have the query nodes load both collections; one that is loaded stays so.

    Raises:
        MilvusAway: Milvus does not answer.
    """
    for name in (names.products, names.state):
        connection.call("load_collection", name, timeout_s=connection.options.slow_timeout_s)


def made_as(connection: Connection, names: Names) -> dict[str, Any]:
    """How the products' collection was made, as ``index_type`` and ``rows`` of the options.

    Raises:
        MilvusAway: Milvus does not answer.
    """
    from pymilvus import DataType

    index = connection.call("describe_index", names.products, "vector")
    fields = connection.call("describe_collection", names.products)["fields"]
    half = any(field["type"] == DataType.FLOAT16_VECTOR for field in fields)
    return {"index_type": index["index_type"], "rows": "float16" if half else "float32"}


def check_version(version: str) -> None:
    """Refuse a Milvus that would lose vectors when a product is patched.

    Raises:
        MilvusRefused: It is older than 2.6.2.
    """
    if version.startswith("milvus_lite"):
        return
    parts = version.removeprefix("v").partition("-")[0].split(".")
    if all(part.isdigit() for part in parts) and tuple(map(int, parts)) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise MilvusRefused(f"Milvus {version}: {wanted} or newer is needed, which upserts some fields of a product")


def packed(row: NDArray[np.float32] | NDArray[np.float16], options: MilvusOptions) -> NDArray[Any]:
    """A row or a query as the collection takes it."""
    return row.astype(np.float16 if options.rows == "float16" else np.float32)


def unpacked(value: Any) -> NDArray[np.float16]:
    """A row as Milvus gives it: numbers, or the bytes of float16."""
    given = value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], bytes) else value
    return np.frombuffer(given, np.float16) if isinstance(given, bytes) else np.asarray(given, np.float16)


def _products(connection: Connection, row_dim: int) -> tuple[Any, Any]:
    from pymilvus import DataType

    options, client = connection.options, connection.client()
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=LENGTH)
    schema.add_field("id", DataType.VARCHAR, max_length=_ID_BYTES)
    schema.add_field("slot", DataType.INT64)
    half = options.rows == "float16"
    schema.add_field("vector", DataType.FLOAT16_VECTOR if half else DataType.FLOAT_VECTOR, dim=row_dim)
    schema.add_field("terms", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=MAX_TERMS, max_length=LENGTH)
    schema.add_field("price", DataType.DOUBLE)
    schema.add_field("numbers", DataType.JSON)
    schema.add_field("document", DataType.VARCHAR, max_length=MAX_TEXT_BYTES)
    indexes = client.prepare_index_params()
    indexes.add_index(
        "vector",
        index_name="vector",
        index_type=options.index_type,
        metric_type=METRIC,
        params=dict(options.index_params),
    )
    if not options.is_lite:  # it looks at every product anyway, and does not take an index of an array
        indexes.add_index("terms", index_type="INVERTED")
        indexes.add_index("slot", index_type="INVERTED")
        indexes.add_index("price", index_type="INVERTED")
    return schema, indexes


def _state(connection: Connection) -> tuple[Any, Any]:
    from pymilvus import DataType

    client = connection.client()
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=LENGTH)
    schema.add_field("what", DataType.VARCHAR, max_length=LENGTH)
    schema.add_field("value", DataType.VARCHAR, max_length=MAX_TEXT_BYTES)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type=METRIC)
    return schema, indexes
