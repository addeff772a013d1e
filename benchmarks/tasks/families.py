"""Which products are variants of one another: the data does not say so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from benchmarks.tasks.categories import singular

_VARIANT = re.compile(r"(\d{5})[A-Z]*")
_WORD = re.compile(r"[A-Z0-9][A-Z0-9'\-+]*")
# Titles that keep fewer words than these without their colours say too little.
LEAST_WORDS = 2


def families(titles: Mapping[str, str], colours: frozenset[str]) -> dict[str, str]:
    """The family of each product: variants share a stock code's stem (``85123A``, ``85123B``) or all but the colour.

    Args:
        titles: Title by stock code.
        colours: Words that do not make another product, in the singular.

    Returns:
        By stock code, the least stock code of its family.
    """
    kin: dict[str, list[str]] = {}
    for code, title in sorted(titles.items()):
        stem = _VARIANT.fullmatch(code)
        plain = [word for word in map(singular, _WORD.findall(title.upper())) if word not in colours]
        for key in ([stem[1]] if stem else []) + ([" ".join(plain)] if len(plain) >= LEAST_WORDS else []):
            kin.setdefault(key, []).append(code)
    return _joined(titles, list(kin.values()))


def _joined(codes: Mapping[str, str], groups: Sequence[Sequence[str]]) -> dict[str, str]:
    head = {code: code for code in codes}

    def find(code: str) -> str:
        while head[code] != code:
            head[code] = head[head[code]]
            code = head[code]
        return code

    for group in groups:
        for one, other in pairwise(group):
            first, second = sorted((find(one), find(other)))
            head[second] = first
    return {code: find(code) for code in codes}
