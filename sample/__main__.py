"""Command line of the sample shop: ``python -m sample make``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sample.errors import SampleInputError
from sample.make import make as make_shop
from sample.progress import bar
from sample.sheet import sheet as draw_sheet

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_show_locals=False,
    no_args_is_help=True,
    help="A small shop of rendered products.",
)


@app.command()
def make(
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("var/sample"),
    products: Annotated[int, typer.Option(help="number of products")] = 2000,
    held_out: Annotated[int, typer.Option(help="photos for reports")] = 400,
    train: Annotated[int, typer.Option(help="photos for tuning and calibration")] = 100,
    seed: Annotated[int, typer.Option(help="same seed, same files")] = 7,
) -> None:
    """Write catalogue, pictures, photos, and queries for a release."""
    console = Console()
    with bar(console) as progress:
        task = progress.add_task("pictures", total=products + held_out + train)
        try:
            make_shop(
                out, products=products, held_out=held_out, train=train, seed=seed, tick=lambda: progress.advance(task)
            )
        except SampleInputError as error:
            raise typer.BadParameter(str(error)) from error
    console.print(f"{products} products, {held_out + train} photos in [bold]{out}[/bold]")


@app.command()
def sheet(
    folder: Annotated[Path, typer.Option(help="a folder that `make` wrote")] = Path("var/sample"),
    out: Annotated[Path, typer.Option(help="PNG to write")] = Path("var/sample/sheet.png"),
) -> None:
    """Draw a contact sheet of the catalogue's first pictures and photos."""
    draw_sheet(folder, out)
    Console().print(f"contact sheet in [bold]{out}[/bold]")


@app.command()
def demo(
    store: Annotated[Path, typer.Option(help="store with a release of the sample")] = Path("var"),
    shop: Annotated[Path | None, typer.Option(help="folder that `make` wrote; default STORE/sample")] = None,
) -> None:
    """Serve the sample's release and ask it three questions."""
    from deploy.errors import DeployError
    from sample.demo import run

    console = Console()
    try:
        run(store, shop or store / "sample", console)
    except (DeployError, SampleInputError) as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
