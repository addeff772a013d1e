"""The demo: serves the release, asks it and changes its catalogue, with the commands that a user would type."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

from deploy.server import Server


@dataclass(frozen=True)
class Question:
    """One query of the demo.

    Args:
        title: What it shows.
        arguments: Of a command of ``python -m clients``.
        sheet: File name of its contact sheet.
    """

    title: str
    arguments: tuple[str, ...]
    sheet: str


NEW_ID, NEW_TITLE = "NEW-1", "turquoise mug with a starry night"
NEW = {
    "id": NEW_ID,
    "title": NEW_TITLE,
    "category": "Kitchen/Mugs",
    "price": 24.0,
    "available": True,
}


def questions(shop: Path) -> tuple[Question, ...]:
    """A text, a photo, and the photo again with the wish for another colour."""
    photo, kind = _held_out_photo(shop)
    return (
        Question("A text", ("--text", "red mug with a white handle"), "text.png"),
        Question("A photo", ("--image", str(photo)), "photo.png"),
        Question(
            "A text and a photo, weighted",
            ("--text", f"red {kind}", "--image", str(photo), "--weights", "0.7,0.3"),
            "both.png",
        ),
    )


def recommendations(shop: Path) -> tuple[Question, ...]:
    """The three tasks, for a product that was photographed."""
    product = _photographed(shop)["product_id"]
    return tuple(
        Question(title, ("--task", task, "--product", product), f"{task}.png")
        for title, task in (("More like it", "similar"), ("What goes with it", "complement"), ("How about", "inspire"))
    )


def run(store: Path, shop: Path, console: Console) -> None:
    """Serve, ask, stop. Contact sheets go to ``STORE/demo``.

    Raises:
        subprocess.CalledProcessError: A query failed; its own message stands above.
    """
    out = store / "demo"
    out.mkdir(parents=True, exist_ok=True)
    console.print(Rule("Starting Triton"))
    with Server(store) as server:
        console.print(f"serving at {server.grpc_url} and {server.http_url}, proved by requests with known answers")
        for question in questions(shop):
            sheet = out / question.sheet
            console.print(Rule(question.title))
            shared = ("-k", "5", "--url", server.grpc_url, "--images", str(shop), "--sheet", str(sheet))
            _client(("search", *question.arguments, *shared), console)
        for question in recommendations(shop):
            console.print(Rule(question.title))
            shared = ("-k", "6", "--url", server.grpc_url, "--images", str(shop), "--sheet", str(out / question.sheet))
            _client(("recommend", *question.arguments, *shared), console)
        console.print(Rule("A product that was not there a moment ago"))
        _live(out, server.grpc_url, console)
        console.print(Rule("Stopping Triton"))
    console.print(f"The products' pictures are in [bold]{out}[/bold]. Serve for longer with: python -m deploy serve")


def _live(out: Path, url: str, console: Console) -> None:
    """Add a product, find it, change its price, find it by that, and delete it again."""
    product = out / "new.json"
    product.write_text(json.dumps(NEW) + "\n", "utf-8")
    search = ("search", "--text", NEW_TITLE, "-k", "3", "--url", url)
    for change, *filtered in (
        (("upsert", "--product", str(product)),),
        (("patch", NEW_ID, "--price", "19.5"), "--filter", '{"range": ["price", 19.5, 19.5]}'),
        (("delete", NEW_ID),),
    ):
        written = json.loads(_client((*change, "--url", url, "--json"), console, shown=False))
        console.print(f"written as change {written['seq']} of the catalogue")
        _client((*search, *filtered, "--min-seq", str(written["seq"])), console)


def _client(arguments: Sequence[str], console: Console, *, shown: bool = True) -> str:
    """Run a command of the client; returns what it printed where that is not to be shown."""
    line = shlex.join(("python", "-m", "clients", *arguments))
    console.print(f"[dim]$ {escape(line)}[/dim]", soft_wrap=True, highlight=False)
    output = None if shown else subprocess.PIPE
    done = subprocess.run([sys.executable, "-m", "clients", *arguments], check=True, text=True, stdout=output)
    return done.stdout or ""


def _held_out_photo(shop: Path) -> tuple[Path, str]:
    """The first photo that the tower was not tuned on, and what kind of product it shows."""
    row = _photographed(shop)
    with (shop / "catalogue.jsonl").open(encoding="utf-8") as file:
        product = next(product for product in map(json.loads, file) if product["id"] == row["product_id"])
    return shop / row["path"], product["category"][-1].lower()


def _photographed(shop: Path) -> dict[str, str]:
    """The first row of ``photos.csv`` that the tower was not tuned on."""
    with (shop / "photos.csv").open(encoding="utf-8") as file:
        return next(row for row in csv.DictReader(file) if row["split"] == "held_out")
