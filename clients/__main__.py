"""Entry point of ``python -m clients``."""

from __future__ import annotations

from clients.cli import app

app(prog_name="python -m clients")
