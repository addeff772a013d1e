"""Towers on a GPU: TensorRT engines in FP32, FP16 and INT8 beside PyTorch and ONNX Runtime, in one run.

Before anything is timed, every engine must give the vectors of the FP32 graph on the CPU, within the bounds that a
release has. Without a GPU or TensorRT nothing is measured, and the command ends with 2.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.figures import write_figures
from benchmarks.side_by_side import Faithfulness, faithfulness, measure, ratios
from deploy.store import find_release
from ensemble.gpu import gpu_here
from ensemble.pipeline import Encoders
from ensemble.release import release_folder
from ensemble.towers import Tower
from export.engines.api import load_tensorrt, strongly_typed
from export.errors import ExportError
from export.order import DEFAULT_TOWERS, Plans

BATCHES = (1, 8, 32)
BASE = "tensorrt fp32-source"
CANNOT_MEASURE, UNFAITHFUL = 2, 1
# The bounds of a release: worst cosine of FP32 and FP16, first percentile of INT8.
LEAST_COSINE = {"fp32": ("cosine_min", 0.9999), "fp16": ("cosine_min", 0.999), "int8": ("cosine_p01", 0.98)}

console = Console()


def lacking() -> list[str]:
    """What this machine has not got, in sentences."""
    told = []
    if gpu_here() is None:
        told.append("There is no GPU here that CUDA and PyTorch can use.")
    try:
        load_tensorrt()
    except ExportError as error:
        told.append(f"{error}.")
    return told


def unfaithful(found: Mapping[str, Faithfulness]) -> list[str]:
    """Systems that answer otherwise than the FP32 graph on the CPU, a line each."""
    told = []
    for name, one in found.items():
        figure, bound = LEAST_COSINE[name.split()[1].partition("-")[0]]
        value = getattr(one, figure)
        if not value >= bound:
            told.append(f"{name}: {figure} is {value:.6f}; at least {bound} is needed")
    return told


def bench_tower(tower: Any, work: Path, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Figures of one tower.

    Raises:
        typer.Exit: A system is not faithful; nothing was measured.
    """
    from benchmarks.tensorrt_graphs import SOURCE
    from benchmarks.tensorrt_systems import systems_of

    systems = systems_of(tower, work)
    for line in systems.absent:
        console.print(Text(f"{tower.model}: left out: {line}", "yellow"))
    reference = Tower(tower.graphs[SOURCE]).encode(tower.feed)
    found = {name: faithfulness(run, tower.feed, reference) for name, run in systems.run.items()}
    wrong = unfaithful(found)
    if wrong:
        console.print(Text.assemble((f"{tower.model}: nothing was measured\n", "bold red"), "\n".join(wrong)))
        raise typer.Exit(UNFAITHFUL)
    milliseconds = measure(systems.run, tower.feed, BATCHES, rounds=rounds, seconds=seconds)
    return {
        "inputs": len(reference),
        "shapes": {name: list(array.shape[1:]) for name, array in tower.feed.items()},
        "ms": milliseconds,
        "over_tensorrt_fp32": ratios(milliseconds, BASE),
        "faithfulness": {name: asdict(one) for name, one in found.items()},
        "engines": {
            name: {"seconds": one.seconds, "bytes": one.bytes, **asdict(one.summary)}
            for name, one in systems.engines.items()
        },
        "left_out": list(systems.absent),
    }


def table(model: str, made: Mapping[str, Any]) -> Table:
    """One tower's figures for people."""
    heads = [head for batch in BATCHES for head in (f"ms at {batch}", "of FP32")]
    shown = Table("system", *heads, "cosine min", title=f"{model}, {made['inputs']} inputs {made['shapes']}")
    for name in made["faithfulness"]:
        cells = [
            cell
            for batch in BATCHES
            for cell in (f"{made['ms'][f'b{batch}'][name]:.3f}", f"{made['over_tensorrt_fp32'][f'b{batch}'][name]:.2f}")
        ]
        shown.add_row(name, *cells, f"{made['faithfulness'][name]['cosine_min']:.5f}")
    return shown


def main(
    store: Annotated[Path, typer.Option(help="Store with a release.")] = Path("var"),
    towers: Annotated[Path, typer.Option(help="The towers file that the release was made from.")] = DEFAULT_TOWERS,
    sample: Annotated[Path | None, typer.Option(help="Folder of the sample; default STORE/sample.")] = None,
    graphs: Annotated[
        Path | None,
        typer.Option(help="Folder with MODEL/PRECISION-RECIPE.onnx; default STORE/releases/NNNN/candidates."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds; medians are reported.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, help="How long each system runs in a round, a batch size.")] = 2.0,
) -> None:
    """Measure towers on this machine's GPU; figures go to STORE/bench/tensorrt.json."""
    missing = lacking()
    if missing:
        console.print(Text.assemble(("Nothing was measured. ", "bold"), " ".join(missing)), soft_wrap=True)
        raise typer.Exit(CANNOT_MEASURE)
    from benchmarks.tensorrt_graphs import bench_towers

    release = find_release(store)
    trt, gpu = load_tensorrt(), gpu_here()
    encoders = Encoders.open(release.models, release.number)
    given = graphs or release_folder(store, release.number) / "candidates"
    made: dict[str, Any] = {"tensorrt": trt.__version__, "gpu": asdict(gpu) if gpu else None}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        plans, typed = Plans.of(towers), strongly_typed(trt)
        for tower in bench_towers(encoders, plans, sample or store / "sample", given, work, typed=typed):
            made[tower.model] = bench_tower(tower, work, rounds=rounds, seconds=seconds)
            console.print(table(tower.model, made[tower.model]))
    console.print(f"figures: {write_figures(store, 'tensorrt', made)}")


if __name__ == "__main__":
    typer.run(main)
