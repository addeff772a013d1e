"""The GPU benchmark is right about what it measures: truth, terms, bytes, verdicts, tables. No kernel is run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.gpu.__main__ import CANNOT_MEASURE, app
from benchmarks.gpu.cases import Case, K, Terms, bytes_of_tiles, bytes_to_read, cases
from benchmarks.gpu.comparing import Outcome, Run, compare
from benchmarks.gpu.document import BEGIN, END, write_document
from benchmarks.gpu.fields import Range
from benchmarks.gpu.machine import Bandwidth, Machine
from benchmarks.gpu.measuring import timed
from benchmarks.gpu.rows import COPIES, RUN
from benchmarks.gpu.running import FIT, Order, fitting
from benchmarks.gpu.shop import Numbers, Shop
from benchmarks.gpu.systems import Absent, Search, System
from benchmarks.gpu.systems.torch_systems import TorchCompiled, TorchFloat, TorchHalf
from benchmarks.gpu.tables import markdown, tables
from benchmarks.gpu.truth import Truth, judge, padded, truths
from ensemble.index import ExactEngine
from ensemble.index.terms import HostTerms

COUNT, DIM, QUERIES = 3_000, 32, 16
CPU = torch.device("cpu")
ALL, SPREAD = Terms("all", 1.0), Terms("spread", 0.1)
ASKED = cases((1, 8), (1.0, 0.1, 0.01))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop.of(COUNT, DIM, CPU, queries=QUERIES)


@pytest.fixture(scope="module")
def truth(shop: Shop) -> dict[Terms, Truth]:
    return truths(shop, list(dict.fromkeys(case.terms for case in ASKED)))


@pytest.fixture
def run() -> Run:
    machine = Machine(CPU, "a processor")
    return Run(machine, Bandwidth(10.0, 8.0), (1, 8), (1.0, 0.1), 2, time.monotonic() + 600, Console(quiet=True))


class Known(System):
    """Gives the right answers, changed by whoever tests."""

    name = "known"
    least = 1.0
    ordered = True

    def change(self, found: Numbers) -> Numbers:
        return found

    def open(self) -> None: ...

    def search(self, case: Case) -> Search | None:
        right = truths(self.shop, [case.terms])[case.terms].slots
        return Search(lambda first: self.change(right[first : first + case.batch].copy()))


def changed(name: str, change: Callable[[Numbers], Numbers]) -> type[System]:
    return type(name, (Known,), {"change": lambda self, found: change(found), "name": name})


def neighbours(found: Numbers) -> Numbers:
    return found[:, ::-1]


def last_is_first(found: Numbers) -> Numbers:
    found[:, -1] = found[:, 0]
    return found


def others(found: Numbers) -> Numbers:
    return (found + 1) % COUNT


def test_rows_are_unit_the_same_each_time_and_some_are_equal(shop: Shop) -> None:
    assert np.linalg.norm(shop.base.astype(np.float32), axis=1) == pytest.approx(np.ones(COUNT), abs=2e-3)
    assert (shop.made.chunk(0).numpy() == shop.base).all()
    assert (shop.on_device().numpy() == shop.base).all()
    assert (shop.base[RUN - COPIES] == shop.base[0]).all()
    assert len(np.unique(shop.base, axis=0)) == pytest.approx(COUNT * (1 - COPIES / RUN), rel=0.01)
    nearest = (shop.queries @ shop.base.astype(np.float32).T).max(axis=1)
    assert (nearest < 0.99).all()
    assert nearest.mean() > 0.5


def test_columns_on_the_host_are_those_of_the_filters(shop: Shop) -> None:
    slots = torch.arange(COUNT)
    for one in (Range("lot", 13, 112), Range("shelf", 0, 9)):
        values = shop.slots.stored[one.field].values
        assert (one.passes(slots, COUNT).numpy() == ((values >= one.first) & (values <= one.last))).all()
    assert shop.slots.find(["P0", f"P{COUNT - 1}", "P-1"]).tolist() == [0, COUNT - 1, -1]
    assert {"category", "price", "available"} <= shop.slots.stored.keys()


def test_rates_are_about_right(truth: dict[Terms, Truth]) -> None:
    slots = torch.arange(200_000)
    for terms in truth:
        mask = terms.passing(3, slots, len(slots))
        share = 1.0 if mask is None else float(mask.float().mean())
        assert share == pytest.approx(terms.rate, rel=0.05)


def test_truth_is_that_of_the_exact_engine(shop: Shop, truth: dict[Terms, Truth]) -> None:
    engine, host = ExactEngine(shop.slots), HostTerms(shop.slots)
    for terms, right in truth.items():
        asked = [terms.of(query) for query in range(QUERIES)]
        passing = [host.passing(b"" if one is None else one.text) for one in asked]
        hits = engine.search(shop.queries, [K] * QUERIES, passing, [host.boost(terms.rank)] * QUERIES)
        assert (padded([one.slots for one in hits]) == right.slots).all()
        assert judge(shop, terms, right.slots, right, least=1.0, ordered=True).failures == ()


def test_a_fresh_filter_lets_the_same_products_pass(shop: Shop) -> None:
    terms, one = HostTerms(shop.slots), Range("lot", 13, 40)
    assert one.beside(0.5) != one.text
    assert (terms.passing(one.beside(0.5)).slots == terms.passing(one.text).slots).all()


def test_one_of_two_equal_rows_is_as_good_but_not_in_order(shop: Shop, truth: dict[Terms, Truth]) -> None:
    right = truth[ALL]
    ties = np.diff(right.scores) == 0
    query, place = (int(at[0]) for at in np.nonzero(ties))
    found = right.slots.copy()
    found[query, [place, place + 1]] = found[query, [place + 1, place]]
    assert judge(shop, ALL, found, right, least=1.0, ordered=False).failures == ()
    verdict = judge(shop, ALL, found, right, least=1.0, ordered=True)
    assert verdict.recall == 1.0
    assert f"query {query} found" in verdict.failures[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (neighbours, "is right"),
        (last_is_first, "a product twice"),
        (others, "does not pass its filter"),
        (lambda found: found - 2, "a product that is not there"),
        (lambda found: found[:, :5], "answers of shape"),
        (lambda found: np.where(np.arange(K) < 9, found, -1), "recall 0.9"),
    ],
)
def test_a_wrong_system_is_caught(shop: Shop, run: Run, change: Callable[[Numbers], Numbers], said: str) -> None:
    outcome = compare(shop, [changed("wrong", change), Known], run)
    wrong = [failure for failure in outcome.failures if failure.startswith("wrong, 3,000 x 32, batch 8, 10% spread")]
    assert any(said in failure for failure in wrong)
    assert not any(failure.startswith("known") for failure in outcome.failures)


def test_every_system_and_case_is_a_row(shop: Shop, run: Run) -> None:
    class Missing(Known):
        name = "missing"

        def open(self) -> None:
            raise Absent("not here")

    outcome = compare(shop, [Known, TorchFloat, TorchHalf, TorchCompiled, Missing], run)
    assert outcome.failures == []
    assert {row["engine"] for row in outcome.rows} == {"known", "torch-fp16", "torch-fp16-fp32"}
    assert {row["engine"]: row["why"] for row in outcome.skipped}["missing"] == "opening: not here"
    assert len(outcome.rows) == 3 * len(cases(run.batches, run.rates))
    for row in outcome.rows:
        assert row["ms"] > 0
        assert row["roofline_fraction"] == pytest.approx(row["must_read_gb"] / 10 / row["ms"] * 1e3, rel=0.2, abs=1e-4)
        assert row["recall_at_10"] == 1.0 or row["engine"] == "torch-fp16"
    assert json.loads(json.dumps(outcome.rows)) == outcome.rows
    assert len(tables(outcome.rows, [])) == 1
    assert markdown(outcome.rows, [], outcome.skipped).count("| torch-fp16-fp32 |") == 7


def test_an_error_costs_one_system_alone_and_ours_must_not_raise_any(shop: Shop, run: Run) -> None:
    def fail(found: Numbers) -> Numbers:
        raise RuntimeError("a bug\nwith more lines")

    ours = changed("ours", fail)
    theirs = type("theirs", (ours,), {"name": "theirs", "least": 0.0})
    outcome = compare(shop, [ours, theirs, Known], run)
    count = len(cases(run.batches, run.rates))
    assert [row["engine"] for row in outcome.rows] == ["known"] * count
    assert outcome.failures[0] == "ours, 3,000 x 32, batch 1, 100%: RuntimeError: a bug"
    assert len(outcome.failures) == count
    assert len(outcome.skipped) == 2 * count


def test_nothing_is_begun_that_would_end_too_late(shop: Shop, run: Run) -> None:
    late = Run(run.machine, run.bandwidth, (1,), (1.0,), 1, time.monotonic() + 3, run.console)
    outcome = compare(shop, [TorchHalf], late)
    assert outcome.rows == []
    assert "s to open it are not left" in outcome.skipped[0]["why"]


def test_systems_are_timed_in_turn(shop: Shop, run: Run) -> None:
    asked: list[str] = []

    def search(name: str) -> Search:
        def whole(first: int) -> Numbers:
            asked.append(f"{name}{first}")
            return np.zeros((8, K), np.int64)

        return Search(whole)

    taken = timed({"a": search("a"), "b": search("b")}, shop, Case(8, ALL), run.machine, rounds=3)
    assert asked[-6:] == ["a0", "b0", "b8", "a8", "a0", "b0"]
    assert taken["a"].ms > 0
    assert taken["a"].device_ms is None


def test_bytes_are_rows_and_a_bit_for_each_filter() -> None:
    rows = 10_000 * 64
    assert bytes_to_read(10_000, 64, Case(8, ALL)) == rows + 313 * 4
    assert bytes_to_read(10_000, 64, Case(8, Terms("each", 0.1))) == rows + 8 * 313 * 4
    together = Case(8, Terms("together", 0.01))
    assert bytes_of_tiles(10_000, 64, together, CPU) == pytest.approx(rows * 2 / 157 + 313 * 4, abs=1)
    assert bytes_of_tiles(10_000, 64, Case(1, ALL), CPU) == rows + 313 * 4


def test_what_is_asked_is_checked(run: Run) -> None:
    def order(**changed: Any) -> Order:
        given: dict[str, Any] = {
            "sizes": ("10", FIT),
            "dims": (8,),
            "batches": (1,),
            "rates": (1.0,),
            "systems": (),
            "rounds": 1,
        }
        return Order(**(given | {"deadline": 0.0} | changed))

    assert len(order().chosen) > 5
    assert 10_000 < fitting(256, run.machine) < 10**10
    for wrong in ({"sizes": ("0",)}, {"systems": ("nobody",)}, {"batches": (0,)}, {"rates": (0.0,)}, {"rounds": 0}):
        with pytest.raises(ValueError, match="--"):
            order(**wrong)
    with pytest.raises(ValueError, match="`rate` must be between"):
        Terms("spread", 0.0)


def test_the_document_gets_the_tables_and_keeps_the_rest(shop: Shop, run: Run, tmp_path: Path) -> None:
    outcome = compare(shop, [Known], run)
    figures = {"rows": outcome.rows, "skipped": [], "passed": True, "device": "a GPU"}
    figures |= {"bandwidth_gb_s": {"copy": 4_000.0, "read": 4_300.0}, "measured": {"date": "2026-11-21T10:00"}}
    document = tmp_path / "gpu.md"
    document.write_text(f"{BEGIN}\nnot run\n{END}\n\nthe rest\n")
    for _ in range(2):
        write_document(tmp_path, figures)
    text = document.read_text()
    assert "not run" not in text
    assert text.startswith(f"{BEGIN}\n# Exact search on the GPU\n\nMeasured on 2026-11-21 on one a GPU")
    assert text.endswith(f"{END}\n\nthe rest\n")
    assert text.count("| known |") == len(outcome.rows)
    assert json.loads((tmp_path / "gpu.json").read_text()) == figures
    document.write_text("no marks")
    with pytest.raises(ValueError, match="has no part between"):
        write_document(tmp_path, figures)


def test_the_project_s_document_can_be_filled(tmp_path: Path) -> None:
    text = Path("docs/results/gpu.md").read_text()
    assert text.startswith(BEGIN)
    assert text.count(END) == 1


def test_outcomes_are_put_together() -> None:
    one, other = Outcome(), Outcome([{"failures": []}], [{"why": "so"}])
    one.add(other)
    assert (len(one.rows), len(one.skipped)) == (1, 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    found = CliRunner().invoke(app, [])
    assert found.exit_code == CANNOT_MEASURE
    assert "nothing was measured: PyTorch" in found.output
    assert found.output.count("\n") == 1
