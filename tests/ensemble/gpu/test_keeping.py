"""What is kept of filters between batches, and for how long."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from ensemble.errors import InvalidInput
from ensemble.index.gpu import terms as device_terms
from ensemble.index.gpu.compiler import Compiler
from ensemble.index.gpu.kernels.passing import pack
from ensemble.index.gpu.program import Program
from ensemble.index.gpu.terms import GpuTerms
from ensemble.index.nodes import Node
from ensemble.index.terms import HostTerms
from tests.ensemble.gpu.living import CPU, RED, check, expected, grown, living, selected
from tests.ensemble.test_masks import start


def test_each_filter_of_a_batch_is_evaluated_once() -> None:
    index, terms = living(start())
    texts = [RED, b"", RED, b'{"not": %s}' % RED, b""]
    found = terms.words([terms.passing(text) for text in texts])
    assert found.which.tolist() == [0, 1, 0, 2, 1]
    assert len(terms.words([terms.passing(RED)] * 2).rows) == 1
    check(index, terms, *texts)


def test_bits_are_kept_until_the_next_change(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = start()
    index, terms = living(catalogue)
    evaluated: list[int] = []

    def spy(programs: Any, *arguments: Any) -> None:
        evaluated.append(len(programs.starts) - 1)
        pack(programs, *arguments)

    monkeypatch.setattr("ensemble.index.gpu.terms.pack", spy)
    texts = [b"", RED, b'{"not": %s}' % RED]
    for batch in (texts[:2], texts[:2], texts[1:2], texts, texts, texts[::-1]):
        check(index, terms, *batch)
    assert evaluated == [2, 1]
    terms.changed(np.empty(0, np.int64))
    check(index, terms, *texts)
    assert evaluated == [2, 1]
    catalogue.delete("S1")
    index.apply(catalogue.changes(index.seq))
    check(index, terms, *texts)
    assert evaluated == [2, 1, 3]


def test_filters_are_compiled_anew_only_for_new_words_and_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = start()
    index, terms = living(catalogue)
    compiled: list[Node | None] = []
    real = Compiler.program

    def spy(self: Compiler, tree: Node | None) -> Program:
        compiled.append(tree)
        return real(self, tree)

    monkeypatch.setattr(Compiler, "program", spy)
    texts = [b'{"range": ["price", 1, null]}', RED, b'{"not": {"eq": ["id", "new"]}}', b""]
    check(index, terms, *texts)
    assert len(compiled) == 4
    catalogue.patch("S1", price=3)
    index.apply(catalogue.changes(index.seq))
    check(index, terms, *texts)
    assert len(compiled) == 4
    catalogue.patch("S1", attributes={"color": "pink"})
    index.apply(catalogue.changes(index.seq))
    check(index, terms, *texts)
    assert compiled[4:] == [compiled[1]]
    grown(catalogue, 0, 1)
    index.apply(catalogue.changes(index.seq))
    check(index, terms, *texts)
    assert compiled[5:] == [compiled[2]]


def test_kept_bits_are_bounded() -> None:
    index, _ = living(start())
    row = len(living(start())[1].columns.valid) // 8
    terms = GpuTerms(index.slots, CPU, kept_bytes=4 * row)
    for number in range(12):
        texts = [b'{"range": ["size", %d, null]}' % at for at in (number, number + 1, number // 2)]
        check(index, terms, *texts)
        assert terms._words.rows.nbytes <= 4 * row


def test_compiled_filters_are_bounded_and_the_least_used_go(monkeypatch: pytest.MonkeyPatch) -> None:
    index, _ = living(start())
    size = GpuTerms(index.slots, CPU).passing(RED).nbytes
    monkeypatch.setattr(device_terms, "COMPILED_BYTES", 3 * size + 200)
    terms = GpuTerms(index.slots, CPU)
    texts = [b'{"eq": ["color", "%d"]}' % number for number in range(3)]
    for text in [*texts, texts[0], RED]:
        terms.passing(text)
    assert terms.texts() == [texts[2], texts[0], RED]


@pytest.mark.parametrize(
    ("text", "place"),
    [(b"{", "FILTER"), (b'{"eq": ["nothing", 1]}', "FILTER.eq"), (b'{"range": ["color", 1, 2]}', "FILTER.range")],
)
def test_bad_filters_are_refused_and_not_kept(text: bytes, place: str) -> None:
    _, terms = living(start())
    with pytest.raises(InvalidInput) as refused:
        terms.passing(text)
    assert refused.value.name == place
    assert terms.texts() == []


def test_a_new_engine_takes_over_the_filters_in_use() -> None:
    index, terms = living(start())
    check(index, terms, RED, b"")
    assert terms.texts() == [RED, b""]
    assert {text: HostTerms(index.slots).passing(text).count for text in terms.texts()} == {RED: 40, b"": 80}


def test_threads_get_what_they_asked_for() -> None:
    index, terms = living(start())
    texts = [b'{"range": ["size", %d, null]}' % number for number in range(6)] + [RED]
    wanted = expected(index.slots, texts)
    wrong: list[int] = []

    def ask(first: int) -> None:
        for number in range(first, first + 12):
            at = number % len(texts)
            if selected(terms, index.slots, [texts[at]]) != [wanted[at]]:
                wrong.append(at)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
