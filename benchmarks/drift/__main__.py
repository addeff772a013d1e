"""``python -m benchmarks.drift``: measure false alarms and detection, and write docs/results/drift.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.drift.document import Row, write_document
from benchmarks.drift.shop import (
    ASKED_ITEMS,
    VARIANTS,
    darkened,
    foreign_texts,
    items_of,
    photos_of,
    release,
    shortened,
)
from benchmarks.drift.streams import Stream, photo_stream, text_stream
from benchmarks.drift.trials import SPLITS, Shop, Split, Tally, judged, tally
from ensemble.pipeline import Pipeline

LOOKS_A_SPLIT, FOREIGN_LOOKS = 25, 3
SHARES = (0.1, 0.25, 0.5, 1.0)
PHOTOS, OTHER_PHOTOS = 800, 400
SEED = 9

_console = Console()


def drift(
    data: Annotated[Path, typer.Option(envvar="TANDEM_DATA", help="Folder with online_retail/, grocery/, ...")] = Path(
        "../shared/data"
    ),
    store: Annotated[Path, typer.Option(help="Where the release and what was encoded are kept.")] = Path("var/drift"),
    document: Annotated[Path, typer.Option(help="Folder that drift.md and drift.json go to.")] = Path("docs/results"),
) -> None:
    """Draw baselines and windows of real queries, and count alarms."""
    pipeline = release(items_of(data), data, store)
    shop, foreign, photos = _asked(pipeline, data, store / "kept")
    random = np.random.default_rng(SEED)
    splits = [Split.of(shop, random) for _ in range(SPLITS)]
    rows = [Row("the same shop, other items and photos", None, _usual(splits, random))]
    for name, stream in foreign.items():
        rows += [Row(name, share, _foreign(splits, random, stream, share)) for share in SHARES]
        _console.print(rows[-1].domain)
    for name, stream in photos.items():
        looks = [judged(split, random, photos=stream) for split in splits for _ in range(FOREIGN_LOOKS)]
        rows.append(Row(name, 1.0, tally(looks)))
    write_document(document, rows, shop, splits[0].baseline)
    _console.print(f"{document / 'drift.md'} written")


def _usual(splits: list[Split], random: np.random.Generator) -> Tally:
    return tally([judged(split, random) for split in splits for _ in range(LOOKS_A_SPLIT)])


def _foreign(splits: list[Split], random: np.random.Generator, stream: Stream, share: float) -> Tally:
    return tally([judged(split, random, stream, share) for split in splits for _ in range(FOREIGN_LOOKS)])


def _asked(pipeline: Pipeline, data: Path, kept: Path) -> tuple[Shop, dict[str, Stream], dict[str, Stream]]:
    """Ask everything once: the shop's queries, foreign texts, foreign photos."""
    titles = [item.title for item in items_of(data)]
    chosen = np.random.default_rng(SEED).permutation(len(titles))[:ASKED_ITEMS]
    groups = shortened([titles[place] for place in chosen], VARIANTS, SEED)
    asked = {text: number for number, group in enumerate(groups) for text in group}
    with _console.status("encoding queries, once ..."):
        texts = text_stream(pipeline, list(asked), kept / "shop")
        foreign = {
            name: text_stream(pipeline, some, kept / f"foreign-{number}")
            for number, (name, some) in enumerate(foreign_texts(data).items())
        }
        ours = photos_of(data, "grocery", PHOTOS + OTHER_PHOTOS)
        usual, dark = ours[:PHOTOS], darkened(ours[PHOTOS:], 0.7)
        photos = {
            "photos 30 % darker": photo_stream(pipeline, dark, kept / "dark"),
            "photos of clothes": photo_stream(pipeline, photos_of(data, "clothing", OTHER_PHOTOS), kept / "clothing"),
        }
        shown = photo_stream(pipeline, usual, kept / "grocery")
    return Shop(texts, np.array(list(asked.values())), shown), foreign, photos


if __name__ == "__main__":
    typer.run(drift)
