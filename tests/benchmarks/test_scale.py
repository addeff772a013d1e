"""The fleets on paper: sizes by hand, figures from the documents, and docs/scale.md."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.retrieval.shop import Shop
from benchmarks.scale.__main__ import app
from benchmarks.scale.copies import Copy, Option
from benchmarks.scale.document import DOCUMENT, blocks, filled
from benchmarks.scale.figures import DOCS, Inputs, read
from benchmarks.scale.fleet import Fleet, Unfit, plan
from benchmarks.scale.hosts import host_figures
from benchmarks.scale.memory import on_device, products_a_device
from benchmarks.scale.model import DEVICES, Assumptions, Demand, Device, Figure, Mark, Rows
from benchmarks.scale.scanning import Scans, bytes_read, roofline_ms
from benchmarks.scale.searches import search_figures
from benchmarks.scale.tables import ASSUMED as ASSUMED_WORDS

ASSUMED = Assumptions()
H200, L40S, L4 = (next(one for one in DEVICES if one.name == name) for name in ("H200", "L40S", "L4"))


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return replace(read(), gpu=())


def test_a_product_on_the_gpu_by_hand(inputs: Inputs) -> None:
    kept = on_device(256, Rows.INT8, 9, ASSUMED)
    assert sum(kept.values()) == 2 * 256 + (256 + 4) + 8 * 9 + 65 / 8 + 4 + 4
    assert sum(on_device(256, Rows.INT8_HOST, 9, ASSUMED).values()) == sum(kept.values()) - 2 * 256
    assert products_a_device(H200, 1_000, ASSUMED, held=1) == 126_900_000
    assert products_a_device(H200, 1_000, ASSUMED, held=2) == 63_450_000


def test_a_scan_by_hand() -> None:
    device = Device("even", 100, 1_000, 100, 50)
    assumed = Assumptions(copied=1.0, reached=1.0, launch_ms=0.0)
    row = 2 * 128 + 1 / 8 + 16 + 12 / 64
    assert bytes_read(1_000_000, 128, Rows.FLOAT16, 1, assumed) == 1_000_000 * row
    rescored = 18 * 64 * 2 * 128
    expected = (1_000_000 * row + rescored) / 1e9
    assert roofline_ms(device, 1_000_000, 128, Rows.FLOAT16, 1, assumed) == pytest.approx(expected)
    computed = 2 * 2 * 1_000_000 * 128 * 256 / 1e14 * 1e3
    assert roofline_ms(device, 1_000_000, 128, Rows.FLOAT16, 256, assumed) > computed
    assert roofline_ms(device, 1_000_000, 128, Rows.FLOAT16, 256, assumed) == pytest.approx(
        computed + 256 * rescored / 1e9
    )


def with_gpu(folder: Path, rows: list[dict[str, object]]) -> Path:
    shutil.copytree(DOCS / "results", folder / "results")
    shutil.copy(DOCS / "design.md", folder)
    (folder / "results" / "gpu.json").write_text(json.dumps({"rows": rows}))
    return folder


def scan(n: int, batch: int, ms: float, **more: object) -> dict[str, object]:
    row = {"engine": "tandem-fp16", "n": n, "dim": 384, "dtype": "float16", "batch": batch, "pass_rate": 1.0, "ms": ms}
    return row | {"device": "NVIDIA H200"} | more


def test_measured_scans_go_before_the_roofline(tmp_path: Path) -> None:
    rows = [scan(1_000_000, 1, 0.5), scan(1_000_000, 64, 0.7), scan(10_000_000, 1, 3.0), scan(10_000_000, 64, 4.0)]
    rows += [scan(1_000_000, 1, 99.0, engine="faiss"), scan(1_000_000, 1, 0.4, pass_rate=0.1)]
    found = read(with_gpu(tmp_path, rows)).gpu
    assert len(found) == 4
    times = Scans(H200, 384, Rows.FLOAT16, found, ASSUMED)
    assert (times.mark(1_000_000), times.mark(2_000_000)) == (Mark.MEASURED, Mark.EXTRAPOLATED)
    assert times.ms(1_000_000, 1) == 0.5
    assert times.ms(10_000_000, 64) == 4.0
    assert times.ms(5_500_000, 1) == pytest.approx(1.75)
    assert times.ms(20_000_000, 64) == pytest.approx(8.0)
    assert times.ms(0, 64) == ASSUMED.launch_ms
    for other in (Scans(H200, 256, Rows.FLOAT16, found, ASSUMED), Scans(H200, 384, Rows.INT8, found, ASSUMED)):
        assert other.mark(1_000_000) is Mark.ROOFLINE


def test_a_gpu_is_not_taken_for_another_one_of_a_longer_name(tmp_path: Path) -> None:
    found = read(with_gpu(tmp_path, [scan(1_000_000, 1, 9.0, device="NVIDIA L40S")])).gpu
    assert Scans(L40S, 384, Rows.FLOAT16, found, ASSUMED).mark(1_000_000) is Mark.MEASURED
    assert Scans(L4, 384, Rows.FLOAT16, found, ASSUMED).mark(1_000_000) is Mark.ROOFLINE


def test_scans_of_no_named_gpu_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'"device" of .* is missing'):
        read(with_gpu(tmp_path, [scan(1_000_000, 1, 9.0, device="")]))


def test_bytes_and_python_of_a_small_shop(tmp_path: Path) -> None:
    found = host_figures(tmp_path, 300, passes=1)
    assert found["bytes_a_product"]["rows"] == pytest.approx(2 * 384, abs=1)
    assert found["bytes_a_product"]["documents"] > 100
    assert found["columns"] == 9
    taken = found["retrieve_ms"]
    assert 0 < taken["1"] < taken["8"] < taken["64"]


@pytest.mark.slow
def test_times_of_a_small_shop_are_spread_over_its_queries(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows, queries = (rng.normal(size=(count, 384)).astype(np.float32) for count in (500, 20))
    found = search_figures(Shop(rows.astype(np.float16), queries, queries, np.arange(500) % 1_000), tmp_path)
    assert found["products"] == 500
    for percentiles in found["ms"].values():
        assert list(percentiles.values()) == sorted(percentiles.values())
        assert percentiles["0"] > 0


def test_a_changed_table_is_told_by_name(tmp_path: Path) -> None:
    folder = with_gpu(tmp_path, [])
    (folder / "results" / "request.md").write_text("nothing")
    with pytest.raises(ValueError, match=r"request\.md: nothing like"):
        read(folder)


def test_figures_are_those_of_the_documents(inputs: Inputs) -> None:
    found = inputs.named()
    assert found["tower_ms"].value == pytest.approx(6.6 * 0.58, rel=0.2)
    assert all(figure.mark is Mark.MEASURED for figure in found.values())
    assert [point for point, _ in inputs.searches][-1] == 100


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="rate: must be above 0, got 0"):
        Demand(1, 0)
    with pytest.raises(ValueError, match="remembered: must be from 0 to 1, got 2"):
        Demand(1, 1, remembered=2)
    with pytest.raises(ValueError, match="finite"):
        Figure(float("nan"), "ms", Mark.ASSUMED, "nowhere")
    with pytest.raises(ValueError, match="bandwidth_gb_s must be above 0"):
        Device("none", 1, 0, 1, 1)
    with pytest.raises(ValueError, match="go together"):
        Option(H200)


def planned(demand: Demand, option: Option, inputs: Inputs) -> Fleet:
    fleet = plan(demand, option, inputs, ASSUMED)
    assert isinstance(fleet, Fleet), fleet
    return fleet


@pytest.mark.parametrize("option", [Option(), Option(H200, Rows.FLOAT16), Option(L4, Rows.INT8)])
def test_a_fleet_keeps_its_budget_with_one_copy_lost(option: Option, inputs: Inputs) -> None:
    for rate in (600, 5_000):
        fleet = planned(Demand(1_000_000, rate), option, inputs)
        assert fleet.request.ms(99) <= ASSUMED.p99_ms
        assert fleet.load <= ASSUMED.busy
        assert fleet.copies >= 2
        cores = fleet.copy.encoding_cores * fleet.copy.machines * (fleet.copies - 1) + fleet.encoding * 28
        assert cores >= rate * 0.005
        assert fleet.copy.device_gb <= 0.9 * (option.device.memory_gb if option.device else 0)


def test_more_load_and_more_products_never_need_less(inputs: Inputs) -> None:
    option = Option(H200, Rows.INT8)
    small, busy, large = (
        planned(Demand(*asked), option, inputs)
        for asked in ((10_000_000, 600), (10_000_000, 20_000), (100_000_000, 600))
    )
    assert small.gpus <= busy.gpus
    assert small.gpus < large.gpus
    assert small.search.ms(99) < large.search.ms(99)


def test_what_is_remembered_needs_no_cores(inputs: Inputs) -> None:
    option = Option(H200, Rows.INT8)
    new, known = (planned(Demand(100_000_000, 20_000, remembered=share), option, inputs) for share in (0.0, 0.9))
    assert known.request.ms(50) < new.request.ms(50)
    assert known.machines <= new.machines


def test_what_cannot_be_served_says_why(inputs: Inputs) -> None:
    reasons = {
        (Option(), 100_000_000): "not extrapolated",
        (Option(L4, Rows.INT8), 1_000_000_000): "does not fit",
        (Option(L4, Rows.FLOAT16), 100_000_000): "alone takes",
    }
    for (option, products), reason in reasons.items():
        refused = plan(Demand(products, 600), option, inputs, ASSUMED)
        assert isinstance(refused, Unfit)
        assert reason in refused.reason


def test_searches_of_the_cpu_engine_are_spread_as_measured(inputs: Inputs) -> None:
    copy = Copy(inputs, ASSUMED, Demand(500_000, 600), Option(), 0)
    taken = [1e3 * (copy.service_s(first, 1) - copy.host_s(1)) for first in range(2_000)]
    assert np.median(taken) == pytest.approx(inputs.search_p50_ms.value, rel=0.1)
    assert np.percentile(taken, 99) == pytest.approx(inputs.search_p99_ms.value, rel=0.1)


def test_the_document_has_one_place_for_each_table() -> None:
    assert filled("<!-- a -->\nold\n<!-- /a -->", {"a": "new\n"}) == "<!-- a -->\n\nnew\n\n<!-- /a -->"
    with pytest.raises(ValueError, match="a: 0 places"):
        filled("<!-- b --><!-- /b -->", {"a": ""})


@pytest.mark.parametrize("which", ["static", pytest.param("all", marks=pytest.mark.slow)])
def test_the_document_is_what_would_be_written(which: str) -> None:
    made = blocks(read(), ASSUMED, dim=384, remembered=0.0)
    left_out = () if which == "all" else [name for name in made if "000,000 at" in name and name[6:] != SMALLEST]
    text = DOCUMENT.read_text("utf-8")
    again = filled(text, {name: make() for name, make in made.items() if name not in left_out})
    assert again == text, "docs/scale.md is behind its figures: run `python -m benchmarks.scale --write`"


SMALLEST = "1,000,000 at 600"


def test_every_assumption_is_listed() -> None:
    assert set(ASSUMED_WORDS) == {field.name for field in fields(Assumptions)}


def test_the_command_writes_only_the_document_as_it_stands() -> None:
    refused = CliRunner().invoke(app, ["--dim", "256", "--write"])
    assert refused.exit_code == 2
    assert "without --dim" in refused.output
