"""The slow twin of ``ensemble.text``: one text at a time, cut and padded by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ensemble.settings import TextSettings
from ensemble.text import Tokens


class TextTwin:
    """Tokenises texts that the served preprocessing has accepted.

    Args:
        tokenizer: Path of the ``tokenizer.json``.
        settings: Limits and buckets.
    """

    def __init__(self, tokenizer: Path, settings: TextSettings) -> None:
        self._settings = settings
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._tokenizer.encode_special_tokens = True

    def __call__(self, texts: Sequence[str | bytes]) -> Tokens:
        """Ids of a batch, padded with zeros to the smallest bucket that holds the longest row."""
        rows = [self._ids(str(text)) for text in texts]
        longest = max(map(len, rows))
        width = min(bucket for bucket in self._settings.buckets if bucket >= longest)
        ids = np.array([row + [0] * (width - len(row)) for row in rows], np.int64)
        return Tokens(ids, np.array([[len(row)] for row in rows], np.int32))

    def _ids(self, text: str) -> list[int]:
        """What is too long loses the end of its words, never the tokens that stand around them."""
        text = text.replace("\x00", "").strip()
        words = self._tokenizer.encode(text, add_special_tokens=False).ids
        whole = self._tokenizer.encode(text).ids
        around = len(whole) - len(words)
        before = next(at for at in range(around + 1) if whole[at : at + len(words)] == words)
        return [*whole[:before], *words[: self._settings.max_tokens - around], *whole[before + len(words) :]]
