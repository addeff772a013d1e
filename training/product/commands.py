"""The commands ``pairs``, ``complements`` and ``product-tower``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.markup import escape

from catalogue import Columns, read_all
from catalogue.errors import CatalogueError
from ensemble.errors import EnsembleError
from training.errors import TrainingError, TrainingInputError
from training.product.complements import COMPLEMENTS, ComplementMap, learn_complements
from training.product.events import COLUMNS, Events
from training.product.fitting import train
from training.product.pairs import MAX_BASKET, Pairs, count_pairs
from training.product.recipe import Recipe
from training.product.rows import ProductRows, rows_of_release, rows_of_texts
from training.product.run import Run
from training.product.shape import TowerShape
from training.product.trained import Trained
from training.product.vocabulary import Vocabulary

USERS_MISTAKE = 2
INTERRUPTED = 130
_console = Console()

EventsFile = Annotated[
    Path, typer.Option(help="events: .parquet, .csv or .jsonl with basket, product, time, kind, user")
]
EventColumns = Annotated[
    str, typer.Option(help="other names of their columns, as in basket=InvoiceNo,product=StockCode")
]
CatalogueFile = Annotated[Path, typer.Option(help="catalogue file: .jsonl, .csv, .tsv or .parquet")]
CatalogueColumns = Annotated[Path | None, typer.Option(help="which column holds which field; a TOML file")]
MaxBasket = Annotated[int, typer.Option(help="baskets of more products are left out")]


def pairs(
    events: EventsFile,
    out: Annotated[Path, typer.Option(help="Parquet file to write")] = Path("var/training/pairs.parquet"),
    *,
    event_columns: EventColumns = "",
    before: Annotated[str, typer.Option(help="count what happened before a day, as in 2026-09-01")] = "",
    min_count: Annotated[int, typer.Option(help="pairs in fewer baskets are left out")] = 1,
    max_basket: MaxBasket = MAX_BASKET,
) -> None:
    """Count which products are bought, or viewed, together."""
    with _told():
        read = _read_events(events, event_columns, before)
        counted = count_pairs(read, min_count=min_count, max_basket=max_basket)
        if not len(counted):
            raise TrainingInputError(
                f"events: in {len(read):,} events of {events} no two products share {min_count} basket(s) of at most "
                f"{max_basket} products"
            )
        counted.save(out)
    _console.print(f"[bold]{out}[/bold]: {len(counted):,} pairs of {len(counted.products):,} products")


def complements(  # noqa: PLR0913 - an option each
    events: EventsFile,
    catalogue: CatalogueFile,
    out: Annotated[Path, typer.Option(help="JSON file to write; what it has from a hand is kept")] = Path(
        "var/training/complements.json"
    ),
    *,
    event_columns: EventColumns = "",
    columns: CatalogueColumns = None,
    before: Annotated[str, typer.Option(help="count what happened before a day, as in 2026-09-01")] = "",
    most: Annotated[int, typer.Option(help="targets a category")] = 10,
    confidence: Annotated[float, typer.Option(help="that the lift is above 1")] = 0.99,
    min_baskets: Annotated[int, typer.Option(help="baskets that must hold both categories")] = 10,
    max_basket: MaxBasket = MAX_BASKET,
) -> None:
    """Learn which categories complement which, from what is bought together."""
    with _told():
        learned = learn_complements(
            _read_events(events, event_columns, before),
            _read_catalogue(catalogue, columns),
            most=most,
            confidence=confidence,
            min_baskets=min_baskets,
            max_basket=max_basket,
        )
        kept = ComplementMap.load(out).by_hand() if out.is_file() else ComplementMap({})
        kept.over(learned).save(out)
    _console.print(
        f"[bold]{out}[/bold]: targets of {len(learned.targets):,} categories, {len(kept.targets):,} with some by hand"
    )


def product_tower(  # noqa: PLR0913 - an option each
    pairs: Annotated[Path, typer.Option(help="what `python -m training pairs` wrote")],
    catalogue: CatalogueFile,
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("var/training/product-tower"),
    work: Annotated[Path, typer.Option(help="checkpoints and text vectors")] = Path("var/training/product"),
    *,
    columns: CatalogueColumns = None,
    complements: Annotated[
        Path | None, typer.Option(help="map of `python -m training complements`", show_default="beside --pairs")
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="pairs of a later time, to stop by")] = None,
    store: Annotated[Path | None, typer.Option(help="take the rows of a release here, with their pictures")] = None,
    release: Annotated[int | None, typer.Option(help="of --store", show_default="the newest")] = None,
    text: Annotated[str, typer.Option(help="fields that make a product's text, without --store")] = "title",
    epochs: Annotated[int, typer.Option(help="at most")] = Recipe.epochs,
    steps: Annotated[int, typer.Option(help="batches an epoch")] = Recipe.steps,
    batch_size: Annotated[int, typer.Option(help="pairs of each task a batch")] = Recipe.batch_size,
    negatives: Annotated[int, typer.Option(help="products drawn from the catalogue a batch")] = Recipe.negatives,
    temperature: Annotated[float, typer.Option(help="of the softmax")] = Recipe.temperature,
    learn_temperature: Annotated[bool, typer.Option("--learn-temperature", help="train it too")] = False,
    learning_rate: Annotated[float, typer.Option(help="at its peak")] = Recipe.learning_rate,
    min_count: Annotated[int, typer.Option(help="baskets that a pair must share")] = Recipe.min_count,
    dim: Annotated[int, typer.Option(help="length of a product's vector")] = TowerShape.dim,
    hidden: Annotated[int, typer.Option(help="width of the hidden layer")] = TowerShape.hidden,
    category: Annotated[int, typer.Option(help="width of the embedding of a category level")] = TowerShape.category,
    gram_buckets: Annotated[int, typer.Option(help="rows for pieces of titles; 0 for none")] = Vocabulary.gram_buckets,
    brand: Annotated[str, typer.Option(help="attribute that holds the brand")] = Vocabulary.brand,
    levels: Annotated[int, typer.Option(help="levels of a category path")] = Vocabulary.levels,
    patience: Annotated[int, typer.Option(help="epochs without a better figure")] = Recipe.patience,
    seed: Annotated[int, typer.Option(help="of weights and batches")] = Recipe.seed,
    device: Annotated[str, typer.Option(help="of torch: cpu, cuda")] = Run.device,
    workers: Annotated[int, typer.Option(help="processes that draw batches ahead")] = Run.workers,
    threads: Annotated[int, typer.Option(help="threads of torch; 0 for its own choice")] = 0,
) -> None:
    """Train the product tower and the complement head; a run that was interrupted is taken up again."""
    if threads:
        torch.set_num_threads(threads)
    with _told():
        recipe = Recipe(
            shape=TowerShape(dim=dim, hidden=hidden, category=category),
            vocabulary=Vocabulary(levels=levels, brand=brand, gram_buckets=gram_buckets),
            epochs=epochs,
            steps=steps,
            batch_size=batch_size,
            negatives=negatives,
            temperature=temperature,
            learn_temperature=learn_temperature,
            learning_rate=learning_rate,
            min_count=min_count,
            patience=patience,
            seed=seed,
        )
        run = Run(work, _console, device, workers)
        run.on()
        counted, later = Pairs.read(pairs), Pairs.read(validation) if validation else None
        related = _complement_map(complements, pairs)
        products = _read_catalogue(catalogue, columns)
        held = _rows(products, store, release, tuple(text.split(",")), work / "texts")
        trained = train(counted, held.products, held.rows, recipe, run, validation=later, image_dim=held.image_dim)
        trained.save(out, related)
        run.clear()
    _tell(out, trained, related, left_out=len(products) - len(held.products))


def _tell(out: Path, trained: Trained, related: ComplementMap, left_out: int) -> None:
    if left_out:
        _console.print(f"{left_out:,} products without a row were left out")
    if not related.targets:
        _console.print("no map of complementary categories; `python -m training complements` learns one")
    best = trained.epochs[trained.best_epoch - 1]
    told = f"recall {best['figure']}" if "figure" in best else "the last, as there were too few pairs to hold any out"
    _console.print(f"[bold]{out}[/bold]: epoch {trained.best_epoch} of {len(trained.epochs)}, {told}")


def _rows(
    products: Sequence[Mapping[str, Any]], store: Path | None, release: int | None, text: tuple[str, ...], cache: Path
) -> ProductRows:
    if store is not None:
        return rows_of_release(products, store, release)
    if release is not None:
        raise TrainingInputError(f"release: got {release}, which needs --store")
    return rows_of_texts(products, text, cache)


def _complement_map(given: Path | None, pairs: Path) -> ComplementMap:
    beside = pairs.with_name(COMPLEMENTS)
    if given is None and not beside.is_file():
        return ComplementMap({})
    return ComplementMap.load(given or beside)


def _read_catalogue(path: Path, columns: Path | None) -> list[dict[str, Any]]:
    mapping = Columns.load(columns) if columns else Columns()
    products = [product.as_dict() for product in read_all(str(path), mapping).products]
    if not products:
        raise TrainingInputError(f"catalogue: {path} holds no product")
    return products


def _read_events(path: Path, names: str, before: str) -> Events:
    events = Events.read(path, _names(names))
    return events.before(_day(before)) if before else events


def _names(text: str) -> dict[str, str]:
    entries = [entry.partition("=") for entry in text.split(",") if entry.strip()]
    names = {column.strip(): name.strip() for column, _, name in entries}
    unknown = sorted(set(names) - set(COLUMNS))
    if unknown or not all(names.values()):
        raise TrainingInputError(
            f"event-columns: got {text!r}, must be COLUMN=NAME,... with columns among {', '.join(COLUMNS)}"
        )
    return names


def _day(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TrainingInputError(f"before: got {text!r}, must be a day or a time such as 2026-09-01") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@contextmanager
def _told() -> Iterator[None]:
    """Show what went wrong in plain words, and exit with the code that says whose turn it is."""
    try:
        yield
    except (TrainingError, CatalogueError, EnsembleError) as error:
        _console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        raise typer.Exit(USERS_MISTAKE) from error
    except KeyboardInterrupt:
        _console.print("Interrupted; the same command goes on from the last whole epoch.")
        raise typer.Exit(INTERRUPTED) from None
