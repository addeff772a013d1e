"""The kinds of searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from clients import Query, messages
from clients.tensors import Outputs
from loadtest.answers import Row, Seen, check_answers
from loadtest.traffic.asked import Asked, Kind, Material
from loadtest.traffic.texts import Told

WEIGHTS = ((0.5, 0.5), (0.7, 0.3), (0.3, 0.7), (1.0, -0.3))
"""How much text and photo count; a negative one means "less like this"."""

Make = Callable[[Material, int], tuple[Query, tuple[str, ...]]]


def judge_search(outputs: Outputs, asked: Asked) -> Seen:
    """Read and check the answer to a search."""
    return check_answers(messages.read_answers(outputs), asked.rows)


def search_kind(name: str, one: Make, *needs: str) -> Kind:
    """A kind of search: ``one`` makes the query of a number, and names its right products where they are known."""

    def make(material: Material, numbers: Sequence[int], k: int) -> Asked:
        made = [one(material, number) for number in numbers]
        queries = [replace(query, k=k) for query, _ in made]
        rows = tuple(
            Row(k, q.filter if isinstance(q.filter, Mapping) else None, known)
            for q, (_, known) in zip(queries, made, strict=True)
        )
        return Asked(name, messages.search(queries), rows)

    return Kind(name, make, judge_search, needs)


def told_at(texts: Sequence[Told], number: int) -> Told:
    """Text number ``number``; beyond their count a number is added, and nobody knows what it means."""
    again, place = divmod(number, len(texts))
    return texts[place] if again == 0 else Told(f"{texts[place].text} {again}")


def _text(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    told = told_at(material.texts, number)
    return Query(told.text), told.known


def _title(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    told = told_at(material.titles, number)
    return Query(told.text), told.known


def _photo(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    return Query(image=material.photo(number)), ()


def _weighted(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    text, image = told_at(material.texts, number).text, material.photo(number)
    return Query(text, image, WEIGHTS[number % len(WEIGHTS)]), ()


def _filtered(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    expression = material.filters[number % len(material.filters)]
    return Query(told_at(material.texts, number).text, filter=expression), ()


def _ranked(material: Material, number: int) -> tuple[Query, tuple[str, ...]]:
    return Query(told_at(material.texts, number).text, rank=material.ranks[number % len(material.ranks)]), ()


SEARCHES = (
    search_kind("text", _text, "texts"),
    search_kind("title", _title, "titles"),
    search_kind("photo", _photo, "pictures"),
    search_kind("weighted", _weighted, "texts", "pictures"),
    search_kind("filtered", _filtered, "texts", "filters"),
    search_kind("ranked", _ranked, "texts", "ranks"),
)
