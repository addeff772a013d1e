"""``python3 -m deploy.container``: process 1 of the container."""

from __future__ import annotations

import logging
import sys

import typer
from rich.console import Console
from rich.text import Text

from deploy.container.supervising import Stopping
from deploy.errors import DeployError

_errors = Console(stderr=True)
_EXIT_CODES = 255

app = typer.Typer(
    add_completion=False, help="Serve one release on the image's Triton; all settings are environment variables."
)


@app.command()
def serve() -> None:
    """Serve until SIGTERM; requests in flight finish first. docs: deploy/chart/tandem/README.md."""
    stopping = Stopping()
    stopping.on_signals()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        from deploy.container.serving import serve as serve_here

        code = serve_here(stopping)
    except (DeployError, OSError) as error:
        _errors.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
        sys.exit(1)
    sys.exit(min(code, _EXIT_CODES))


def main() -> None:
    """Run the command line."""
    app()
