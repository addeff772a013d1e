"""Text to token ids, padded to a few bucket lengths so that requests of similar length share a shape and batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ensemble.errors import DamagedRelease, InvalidInput
from ensemble.settings import TextSettings


@dataclass(frozen=True)
class Tokens:
    """What the text tower takes.

    Args:
        input_ids: ``(batch, bucket)`` int64, padded on the right.
        lengths: ``(batch, 1)`` int32, real tokens of each row; the attention mask follows from it.
    """

    input_ids: NDArray[np.int64]
    lengths: NDArray[np.int32]


def clean_text(value: bytes | str, settings: TextSettings, *, name: str = "TEXT") -> str:
    """A text as it may be encoded: valid UTF-8, not empty, not too long, surrounded by no white space.

    Raises:
        InvalidInput: Otherwise.
    """
    if isinstance(value, bytes):
        if len(value) > 4 * settings.max_chars:  # no UTF-8 character is longer than 4 bytes: spare the decoding
            raise InvalidInput(name, f"{len(value):,} bytes; at most {settings.max_chars:,} characters are allowed")
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(name, f"not UTF-8: {error.reason} at byte {error.start}; send UTF-8 text") from None
    if len(value) > settings.max_chars:
        raise InvalidInput(name, f"{len(value):,} characters; at most {settings.max_chars:,} are allowed")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(name, "holds half of a surrogate pair; send whole characters")
    stripped = value.replace("\x00", "").strip()
    if not stripped:
        raise InvalidInput(name, "empty; give at least one character that is not white space")
    return stripped


class TextPreprocessor:
    """Tokenises with the tower's own ``tokenizer.json``.

    Args:
        tokenizer: Path of the ``tokenizer.json``.
        settings: Limits and buckets.

    Raises:
        DamagedRelease: The file is missing or not a tokenizer.
    """

    def __init__(self, tokenizer: Path, settings: TextSettings) -> None:
        self.settings = settings
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # tokenizers raises bare Exception
            raise DamagedRelease(f"{tokenizer}: not a tokenizer: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(settings.max_tokens)
        # "[SEP]" typed by a shopper is a word like any other, not the end of the sentence.
        self._tokenizer.encode_special_tokens = True

    @property
    def unknown(self) -> int | None:
        """Id of the token that stands for what the vocabulary lacks; None where nothing is lacking."""
        token = getattr(self._tokenizer.model, "unk_token", None)
        return None if token is None else self._tokenizer.token_to_id(token)

    def __call__(self, texts: Sequence[bytes | str], *, name: str = "TEXT") -> Tokens:
        """Tokenise ``batch`` texts.

        Args:
            texts: As they came.
            name: How errors call the input.

        Raises:
            InvalidInput: A text is empty, too long or not UTF-8; names the row.
        """
        cleaned = [self._clean(text, name, row, len(texts)) for row, text in enumerate(texts)]
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(cleaned)]
        width = self.settings.bucket(max(map(len, encoded), default=1))
        input_ids = np.zeros((len(encoded), width), np.int64)
        for row, ids in enumerate(encoded):
            input_ids[row, : len(ids)] = ids
        lengths = np.array([[len(ids)] for ids in encoded], np.int32).reshape(-1, 1)
        return Tokens(input_ids, lengths)

    def _clean(self, text: bytes | str, name: str, row: int, batch: int) -> str:
        try:
            return clean_text(text, self.settings, name=name)
        except InvalidInput as error:
            raise error.at(row, of=batch) from None
