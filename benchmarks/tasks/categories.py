"""Categories from titles, by the rules of ``categories.toml``: the data has none."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RULES = Path(__file__).with_name("categories.toml")
OTHER = "Other"
_WORDS = re.compile(r"[A-Z][A-Z'\-]*")
_NO_PLURAL = ("SS", "US", "IS")

Phrases = Mapping[tuple[str, ...], str]


@dataclass(frozen=True)
class CategoryRules:
    """What names a product, as ``categories.toml`` explains it.

    Args:
        nouns: Category by phrase, a phrase being a tuple of singular words.
        motifs: The same, for titles in which no noun is.
        leads: Phrases that name the product where a title begins with them.
        stops: Words that a title is read up to.
        counts: Words before the product's own.
        colours: Words of colour, which name no product and make no other one.
        sizes: Words of size, which name no product.
        frequent: Titles without a rule that must share their last word to be a category.
    """

    nouns: Phrases
    motifs: Phrases
    leads: Phrases
    stops: frozenset[str]
    counts: frozenset[str]
    colours: frozenset[str]
    sizes: frozenset[str]
    frequent: int

    @classmethod
    def load(cls, path: Path = RULES) -> CategoryRules:
        """The rules of a file.

        Raises:
            ValueError: A lead is no phrase of a category.
        """
        rules = tomllib.loads(path.read_text("utf-8"))
        nouns, motifs = _phrases(rules["nouns"]), _phrases(rules["motifs"])
        named = {**motifs, **nouns}
        leads = {_phrase(lead): named.get(_phrase(lead), "") for lead in rules["leads"]}
        if lost := [" ".join(lead) for lead, category in leads.items() if not category]:
            raise ValueError(f"{path}: `leads` must be phrases of a category, got {lost}")
        words = {name: frozenset(map(singular, rules[name])) for name in ("stops", "counts", "colours", "sizes")}
        return cls(nouns, motifs, leads, frequent=rules["frequent"], **words)

    def words(self, title: str) -> list[str]:
        """The words of a title in the singular, from the first that is no count."""
        words = [singular(word) for word in _WORDS.findall(title.upper())]
        passed = self.counts | self.stops
        start = next((at for at, word in enumerate(words) if word not in passed), 0)
        # "BAG CHARM" is no bag of charms: a count is one where a stop or a number follows, a lead where none does.
        return words[start:] if start and (set(words[:start]) & self.stops or words[0] == "SET") else words

    def named(self, words: Sequence[str]) -> str | None:
        """The category that the words say, or ``None``."""
        lead = _first(words, self.leads)
        stop = next((at for at, word in enumerate(words) if word in self.stops and at > 0), len(words))
        return lead or self._last(words[:stop]) or self._last(words)

    def _last(self, words: Sequence[str]) -> str | None:
        return _last(words, self.nouns) or _last(words, self.motifs)


def categories(titles: Sequence[str], rules: CategoryRules) -> list[str]:
    """A category path for each title: two levels, or ``Other``."""
    words = [rules.words(title) for title in titles]
    named = [rules.named(one) for one in words]
    heads = [_head(one, rules.colours | rules.sizes) for one in words]
    left = Counter(head for head, category in zip(heads, named, strict=True) if category is None and head)
    return [
        category or (f"{OTHER}/{head.capitalize()}" if left[head] >= rules.frequent else OTHER)
        for head, category in zip(heads, named, strict=True)
    ]


def singular(word: str) -> str:
    """A word without the ``S`` of its plural, nor the ``ES`` of boxes and dishes."""
    if len(word) > 4 and word.endswith(("XES", "SHES", "CHES", "SSES")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("S") and not word.endswith(_NO_PLURAL) else word


def _head(words: Sequence[str], idle: frozenset[str]) -> str:
    return next((word for word in reversed(words) if word not in idle), "")


def _last(words: Sequence[str], phrases: Phrases) -> str | None:
    longest = max(map(len, phrases))
    for end in range(len(words), 0, -1):
        for length in range(min(longest, end), 0, -1):
            category = phrases.get(tuple(words[end - length : end]))
            if category:
                return category
    return None


def _first(words: Sequence[str], phrases: Phrases) -> str | None:
    lengths = range(min(len(words), max(map(len, phrases))), 0, -1)
    return next((phrases[found] for length in lengths if (found := tuple(words[:length])) in phrases), None)


def _phrases(table: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[tuple[str, ...], str]:
    return {
        _phrase(phrase): f"{top}/{name}"
        for top, names in table.items()
        for name, phrases in names.items()
        for phrase in phrases
    }


def _phrase(phrase: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in phrase.split())
