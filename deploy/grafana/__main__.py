"""``python -m deploy.grafana``: write ``tandem.json`` beside this file."""

from __future__ import annotations

from pathlib import Path

from deploy.grafana.dashboard import dashboard, text_of

FILE = Path(__file__).with_name("tandem.json")

if __name__ == "__main__":
    FILE.write_text(text_of(dashboard()), "utf-8")
