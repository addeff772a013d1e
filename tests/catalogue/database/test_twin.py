"""Random operations on both databases and on the twin, which must agree about every state."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue.database import Database, Journal
from tests.catalogue.conftest import KINDS, emptied
from tests.catalogue.making import SPACE
from tests.catalogue.twin import IDS, Operation, Twin, check, write

ITEMS = st.lists(st.tuples(st.sampled_from(IDS[:4]), st.integers(1, 60)), min_size=1, max_size=5).map(tuple)
ITEM = st.lists(st.tuples(st.sampled_from(IDS[:4]), st.integers(1, 60)), min_size=1, max_size=1).map(tuple)
OPERATIONS = st.lists(
    st.one_of(
        st.builds(Operation, st.sampled_from(["upsert", "patch", "delete"]), ITEMS),
        st.builds(Operation, st.just("embed"), ITEM),
    ),
    min_size=1,
    max_size=12,
)
_NUMBERS = itertools.count()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, data=st.data())
def test_a_database_and_its_twin_agree(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, operations: list[Operation], data: st.DataObject
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / str(next(_NUMBERS))}.sqlite"
    else:
        url = emptied(request.getfixturevalue("postgresql_url"))
    twin = Twin()
    with Database.open(url, create=True) as database, closing(Journal(url, SPACE.space_id)) as journal:
        database.register(SPACE)
        for operation in operations:
            assert write(database, operation) == twin.apply(operation)
        afters = data.draw(st.lists(st.integers(0, twin.seq), max_size=4, unique=True))
        check(database, journal, twin, afters)
