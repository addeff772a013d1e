"""``python -m ensemble.index.gpu.compiling``: compile every kernel, and print what each takes. No GPU is needed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ensemble.index.gpu.device import INTERPRET, is_interpreted
from ensemble.index.gpu.errors import GpuError
from ensemble.index.gpu.kernels.tiles import ROW_MULTIPLE
from ensemble.index.gpu.kernels.variant import Variant
from ensemble.index.gpu.kernels.variants import DIMS, variants
from ensemble.index.gpu.resources import SHARED_BYTES, Resources, compiled

UNFIT = 1
USERS_MISTAKE = 2
WIDTH = 200

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    dim: Annotated[list[int], typer.Option(help="Length of a row; may be given several times.")] = list(DIMS),  # noqa: B006
    arch: Annotated[list[int], typer.Option(help="Compute capability; likewise.")] = list(SHARED_BYTES),  # noqa: B006
    only: Annotated[str, typer.Option(help="Variants whose description holds this.")] = "",
    *,
    every: Annotated[
        bool, typer.Option("--every", help="All candidates that tuning tries, not the first alone.")
    ] = False,
) -> None:
    """Compile the kernels; fails where registers are spilled, or a GPU has too little shared memory."""
    errors = Console(stderr=True)
    wrong = [one for one in dim if one < 1 or one % ROW_MULTIPLE] + [one for one in arch if one not in SHARED_BYTES]
    if wrong:
        allowed = f"--dim: multiples of {ROW_MULTIPLE}; --arch: {', '.join(map(str, SHARED_BYTES))}"
        errors.print(f"[red]{wrong[0]} is not allowed. {allowed}")
        raise typer.Exit(USERS_MISTAKE)
    if is_interpreted():
        errors.print(f"[red]{INTERPRET} is set: the kernels are interpreted here, not compiled")
        raise typer.Exit(USERS_MISTAKE)
    try:
        unfit = report([one for one in variants(dim, every=every) if only in f"{one.name} {one.about}"], arch, errors)
    except GpuError as error:
        errors.print(f"[red]{escape(str(error))}")
        raise typer.Exit(UNFIT) from error
    if unfit:
        errors.print(f"[red]{unfit} variants spill registers or want more shared memory than there is")
        raise typer.Exit(UNFIT)


def report(chosen: Iterable[Variant], archs: Iterable[int], errors: Console) -> int:
    """Compile variants and print a table of them; "at a time" is how many programs a multiprocessor holds.

    Returns:
        How many do not fit.
    """
    numbers = ("registers", "spilled bytes", "shared bytes", "at a time")
    table = Table("kernel", "variant", "arch", *numbers, "by", "widest load", "narrowest copy")
    unfit = 0
    with errors.status("compiling") as status:
        for variant, arch in product(chosen, archs):
            status.update(f"{variant.name}: {escape(variant.about)}")
            taken = compiled(variant, arch)
            unfit += not taken.fits(arch)
            table.add_row(*_row(variant, arch, taken), style=None if taken.fits(arch) else "red")
    Console(width=WIDTH).print(table)
    return unfit


def _row(variant: Variant, arch: int, taken: Resources) -> tuple[str, ...]:
    numbers = (str(taken.registers), f"{taken.spilled_bytes:,}", f"{taken.shared_bytes:,}", str(taken.programs(arch)))
    bits = (f"{taken.load_bits} bits", f"{taken.copy_bits} bits" if taken.copy_bits else "-")
    return (variant.name, variant.about, f"sm_{arch}", *numbers, taken.tensor_cores, *bits)


if __name__ == "__main__":
    app()
