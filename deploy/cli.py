"""``python -m deploy``: the command line."""

from __future__ import annotations

import typer

from deploy.drift.cli import drift
from deploy.engine_cli import check_engines_here
from deploy.feed_cli import feed_here
from deploy.keep.cli import keep
from deploy.operate.cli import activate, canary, rollback
from deploy.operate.cli_store import audit, prune, status
from deploy.serve_cli import serve
from deploy.watching.cli import watch

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Run the embedded Triton Inference Server, and its releases."
)


@app.callback()
def _commands() -> None:
    """Run the embedded Triton Inference Server, and its releases."""


for command in (serve, status, activate, rollback, canary, watch, drift, prune, audit, keep):
    app.command()(command)
app.command("feed")(feed_here)
app.command("check-engines")(check_engines_here)


def main() -> None:
    """Run the command line."""
    app()
