"""``python -m tests.faults``: break everything in turn, and write the table of what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
import typer
from rich.console import Console

from benchmarks.figures import measured
from tests.faults import document

HERE = Path(__file__).parent
# The order of the table.
FILES = ("test_processes.py", "test_database.py", "test_room.py", "test_scraping.py")
console = Console()


class Rows:
    """Takes down what the tests record (a plugin of pytest)."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.skipped: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the rows of a test that passed, and why one was skipped."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self.skipped[report.nodeid.rpartition("::")[2]] = report.longrepr[2].removeprefix("Skipped: ")
        if report.when == "call" and report.passed:
            self.rows += [cast("dict[str, Any]", row) for name, row in report.user_properties if name == "fault"]


def main(
    document_to: Annotated[
        Path | None, typer.Option("--document", help="Folder that faults.md is written to; by default it is shown.")
    ] = None,
    only: Annotated[str, typer.Option("-k", help="Only faults that match, as pytest has it; nothing is written.")] = "",
) -> None:
    """Break a server in every way that is known, about five minutes in all."""
    rows, files = Rows(), [str(HERE / name) for name in FILES]
    code = pytest.main([*files, "-m", "slow", "-q", "-k", only, "-p", "no:cacheprovider"], plugins=[rows])
    page = document.render(rows.rows, rows.skipped, measured())
    if document_to is None or only or code != pytest.ExitCode.OK:
        console.print(page, markup=False, soft_wrap=True)
    else:
        console.print(f"written: {document.write(document_to, page)}")
    sys.exit(int(code))


if __name__ == "__main__":
    typer.run(main)
