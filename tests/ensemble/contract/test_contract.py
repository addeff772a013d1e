"""What every engine does alike, held to a twin that looks at each product in plain Python; see ``subjects``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.errors import Behind, ChangesRefused, DamagedRelease, InvalidInput
from ensemble.found import Found
from ensemble.index import Index, Still, parse_filter
from ensemble.index.rank import parse_rank
from ensemble.query import query_rows
from ensemble.retrieval import Retrieval
from tests.ensemble.contract.cases import BAD_FILTERS, BAD_REQUESTS, BAD_SCORES, CHANGES, REFUSED, vectors
from tests.ensemble.contract.shop import DEAR, RED, making_lists, product, query, row, shop
from tests.ensemble.contract.subjects import NAMES, RANKING, Subject
from tests.ensemble.contract.twin import (
    PLAIN,
    SCORES,
    Answer,
    Asked,
    ask,
    asked_for,
    asking,
    check,
    check_all,
    check_answer,
)
from tests.ensemble.journal_twin import SPACE, Change, Changes, TwinCatalogue
from tests.ensemble.test_masks import expressions, seeds, step, steps

# Both engines of the GPU are interpreted, and differ in their scan alone: what takes long there, one of them does.
INTERPRETED_ONCE = [pytest.param(name, marks=pytest.mark.slow if name == "gpu-int8" else ()) for name in NAMES]


def for_all(subject: Subject, holds: Callable[..., None], share: float = 1.0, **strategies: Any) -> None:
    """Try a property with as many examples as the engine is quick enough for."""
    examples = max(1, round(share * subject.examples))
    settings(deadline=None, derandomize=True, database=None, max_examples=examples)(given(**strategies)(holds))()


# Search.


def test_the_best_are_found_whatever_else_a_batch_asks(subject: Subject) -> None:
    catalogue, index = subject.lived()
    few = st.sampled_from([None, RED, {"not": DEAR}, {"eq": ["id", "S5"]}, {"eq": ["color", "pink"]}])
    for_all(subject, lambda batch: check(subject, index, catalogue, *batch), batch=asking((PLAIN,), few))


def test_an_answer_does_not_depend_on_its_batch(subject: Subject) -> None:
    _, index = subject.lived()
    batch = [Asked(query(seed), 5 + seed, RED if seed % 2 else None) for seed in range(4)]
    together = ask(index, *batch)
    for one, answer in zip(batch, together, strict=True):
        (alone,) = ask(index, one)
        assert alone.ids == answer.ids
        np.testing.assert_allclose(alone.scores, answer.scores, rtol=1e-6)


def test_where_all_are_equally_good_as_many_as_are_wanted_are_found(subject: Subject) -> None:
    catalogue, index = subject.lived()
    check(subject, index, catalogue, *(Asked(np.zeros(6, np.float32), count) for count in (1, 7, 1_000)))


def test_an_index_may_be_empty_and_have_one_product(subject: Subject, tmp_path: Path) -> None:
    catalogue = TwinCatalogue()
    catalogue.index().save(tmp_path)
    index = subject.open(tmp_path)
    check(subject, index, catalogue, Asked(query(1)), Asked(query(2), 1, DEAR))
    catalogue.upsert(product(1), row(1))
    index.apply(catalogue.changes(index.seq))
    check(subject, index, catalogue, Asked(query(1)), Asked(-query(1), 1), Asked(query(2), 1, RED))
    catalogue.delete("S1")
    index.apply(catalogue.changes(index.seq))
    check(subject, index, catalogue, Asked(query(1)))


# Filters.


@pytest.mark.parametrize("subject", INTERPRETED_ONCE, indirect=True)
def test_filters_pass_what_the_twin_lets_pass(subject: Subject) -> None:
    catalogue, index = subject.lived()
    for_all(subject, lambda batch: check(subject, index, catalogue, *batch), 2.0, batch=asking((PLAIN,), expressions))


def test_bad_filters_are_refused_in_the_same_words(subject: Subject) -> None:
    catalogue, index = subject.lived()
    columns = catalogue.index().build().columns
    for text in BAD_FILTERS:
        with pytest.raises(InvalidInput) as right:
            parse_filter(text, columns)
        with index.reading() as state, pytest.raises(InvalidInput) as refused:
            state.passing(text.encode())
        assert str(refused.value) == str(right.value)
    check(subject, index, catalogue, Asked(query(1), 5, RED))


# Business scores.


@pytest.mark.parametrize("subject", RANKING, indirect=True)
def test_the_best_of_a_business_score_are_found(subject: Subject) -> None:
    catalogue, index = subject.lived()
    few = st.sampled_from([None, RED, {"not": DEAR}])
    for_all(subject, lambda batch: check(subject, index, catalogue, *batch), batch=asking(SCORES, few))


@pytest.mark.parametrize("subject", RANKING, indirect=True)
def test_a_business_score_sees_each_change(subject: Subject) -> None:
    catalogue, index = subject.lived()
    asked = asked_for(range(3), count=5, score=SCORES[2])
    check(subject, index, catalogue, *asked)
    catalogue.patch("S5", attributes={"size": 90})
    catalogue.upsert(product(200, attributes={"size": 80}), row(1))
    catalogue.delete("S6")
    index.apply(catalogue.changes(index.seq))
    check(subject, index, catalogue, *asked)
    assert ask(index, asked[0])[0].ids[:2] == ["S5", "S200"]


@pytest.mark.parametrize("subject", RANKING, indirect=True)
def test_bad_business_scores_are_refused_in_the_same_words(subject: Subject) -> None:
    catalogue, index = subject.lived()
    columns = catalogue.index().build().columns
    for text in BAD_SCORES:
        with pytest.raises(InvalidInput) as right:
            parse_rank(text, columns)
        with index.reading() as state, pytest.raises(InvalidInput) as refused:
            state.boost(text.encode())
        assert str(refused.value) == str(right.value)


@pytest.mark.parametrize("subject", [name for name in NAMES if name not in RANKING], indirect=True)
def test_an_engine_that_takes_no_business_score_says_so(subject: Subject) -> None:
    _, index = subject.begun()
    request = {"TEXT_VECTOR": vectors(1), "RANK": np.array([SCORES[1].text], object)}
    (refused,) = Retrieval(Still(index), SPACE).answer([request])
    assert isinstance(refused, InvalidInput)
    assert str(refused).startswith("RANK: this server searches in Milvus, which cannot add a score of columns")


# Changes.


@pytest.mark.parametrize("subject", INTERPRETED_ONCE, indirect=True)
def test_the_next_search_sees_each_change(subject: Subject) -> None:
    catalogue, index = subject.begun()
    for change in CHANGES.values():
        change(catalogue)
        index.apply(catalogue.changes(index.seq))
        check_all(subject, index, catalogue)


def test_the_next_search_sees_all_of_several_changes(subject: Subject) -> None:
    catalogue, index = subject.begun()
    for change in CHANGES.values():
        change(catalogue)
    index.apply(catalogue.changes(index.seq))
    check_all(subject, index, catalogue)


def test_a_column_changes_its_kind(subject: Subject) -> None:
    catalogue, index = subject.begun()
    numbers, words = {"range": ["size", 1, 2.5]}, {"in": ["size", ["XL", "1", "2.5"]]}
    check(subject, index, catalogue, Asked(query(1), expression=numbers))
    catalogue.patch("S4", attributes={"size": "XL"})
    index.apply(catalogue.changes(index.seq))
    check(subject, index, catalogue, Asked(query(1), expression=words), Asked(query(2), expression={"not": words}))
    with pytest.raises(InvalidInput, match="'size' is not a number"):
        ask(index, Asked(query(1), expression=numbers))
    catalogue.patch("S4", attributes={"size": 1})
    catalogue.kinds["size"] = "number"
    index.apply(catalogue.changes(index.seq))
    check(subject, index, catalogue, Asked(query(1), expression=numbers), Asked(query(2), expression={"not": numbers}))
    with pytest.raises(InvalidInput, match="'size' is compared with a finite number"):
        ask(index, Asked(query(1), expression=words))


def test_changes_may_be_applied_again(subject: Subject) -> None:
    catalogue, index = subject.begun()
    first = index.seq
    catalogue.upsert(product(4), row(200))
    catalogue.delete("S5")
    changes = catalogue.changes(first)
    for _ in range(2):
        index.apply(changes)
        check_all(subject, index, catalogue)
    index.apply(Changes(index.seq, [Change("S6", None, None)], catalogue.kinds))
    check_all(subject, index, catalogue)
    catalogue.patch("S7", price=7.5)
    index.apply(catalogue.changes(first))
    check_all(subject, index, catalogue)


def test_refused_changes_leave_everything_as_it_was(subject: Subject) -> None:
    catalogue, index = subject.begun()
    good = [Change("S4", None, None), Change("S200", json.dumps(product(200)).encode(), row(200))]
    for bad, message in REFUSED:
        with pytest.raises(ChangesRefused, match=message):
            index.apply(Changes(999, [*good, bad], catalogue.kinds))
    check_all(subject, index, catalogue)
    catalogue.delete("S4")
    catalogue.upsert(product(200), row(200))
    index.apply(catalogue.changes(index.seq))
    check_all(subject, index, catalogue)


def test_every_state_of_a_history_is_the_twins(subject: Subject) -> None:
    def holds(history: list[tuple[Any, ...]], batch: list[Asked], seed: int) -> None:
        rng = np.random.default_rng(seed)
        catalogue, index = subject.begun()
        for action in [*history, ("apply",)]:
            step(catalogue, cast("Index", index), rng, action)
            if action[0] == "apply":
                check(subject, index, catalogue, *batch)

    batches = asking(SCORES if subject.has_ranks else (PLAIN,), st.none() | expressions)
    for_all(subject, holds, history=st.lists(steps, max_size=20), batch=batches, seed=seeds)


# Snapshots.


def test_a_snapshot_is_opened_by_every_engine(
    subject: Subject, subjects: Mapping[str, Subject], tmp_path: Path
) -> None:
    catalogue, index = subject.lived()
    catalogue.upsert(product(300))
    index.apply(catalogue.changes(index.seq))
    with making_lists():
        index.save(tmp_path)
    saved = catalogue.head
    catalogue.embed("S300", row(300))
    catalogue.patch("S5", price=7.0)
    for other in subjects.values():
        opened = other.open(tmp_path)
        assert opened.catalogue_id == catalogue.catalogue_id
        check(other, opened, catalogue, Asked(query(1)), Asked(query(2), 20, {"not": RED}), seq=saved)
        opened.apply(catalogue.changes(opened.seq))
        check_all(other, opened, catalogue)


def test_a_damaged_snapshot_is_refused_by_name(subject: Subject, tmp_path: Path) -> None:
    shutil.copytree(subject.start, tmp_path, dirs_exist_ok=True)
    for name in ("vectors.npy", "documents.npy", "ids_text.npy", "column_0.npy", "index.json"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        with pytest.raises(DamagedRelease, match=rf"{name}: (altered|cannot be read)"):
            subject.open(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(DamagedRelease, match=f"{name}: (missing|cannot be read)"):
            subject.open(tmp_path)
        (tmp_path / name).write_bytes(whole)
    check(subject, subject.open(tmp_path), shop(), Asked(query(1)))


def test_a_snapshot_of_another_space_is_refused(subject: Subject) -> None:
    with pytest.raises(DamagedRelease, match="an index of space space-a, but queries are of space space-b"):
        subject.open(subject.start, space_id="space-b")


# What callers see.


def test_weights_of_text_and_photo(subject: Subject) -> None:
    catalogue, index = subject.lived()
    weights = np.array([[3, 1], [1, -1], [0, 2], [-1, 0]], np.float32)
    request = {"TEXT_VECTOR": vectors(1, 4), "IMAGE_VECTOR": vectors(2, 4), "WEIGHTS": weights}
    (found,) = Retrieval(Still(index), SPACE).answer([request])
    assert isinstance(found, Found)
    rows = query_rows(request["TEXT_VECTOR"], request["IMAGE_VECTOR"], weights, SPACE)
    for number, one in enumerate(rows):
        check_answer(subject, catalogue, Asked(one, 10), Answer.of(found, number))


def test_a_bad_request_is_refused_and_its_neighbours_are_answered(subject: Subject) -> None:
    catalogue, index = subject.lived()
    good = {"TEXT_VECTOR": vectors(1), "K": np.array([[1_000]])}
    answers = Retrieval(Still(index), SPACE).answer([good, *(bad for bad, _ in BAD_REQUESTS), good])
    assert [str(answer) for answer in answers[1:-1]] == [message for _, message in BAD_REQUESTS]
    assert all(isinstance(answer, InvalidInput) for answer in answers[1:-1])
    for found in (answers[0], answers[-1]):
        assert isinstance(found, Found)
        check_answer(subject, catalogue, Asked(query_rows(vectors(1), None, None, SPACE)[0]), Answer.of(found, 0))


def test_an_index_that_is_behind_says_so(subject: Subject) -> None:
    _, index = subject.lived()
    request = {"TEXT_VECTOR": vectors(1), "MIN_SEQ": np.array([[10_000]])}
    (refused,) = Retrieval(Still(index), SPACE).answer([request])
    assert isinstance(refused, Behind)
    assert str(refused).startswith(f"MIN_SEQ: 10000 is wanted, this replica has applied {index.seq} after ")
