"""Rows of device memory by text, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ensemble.index.gpu.recent import Recent


class Sheets:
    """Rows of device memory by text. Those that were made together are one tensor, kept and dropped as one.

    Args:
        most_bytes: How much device memory all may take together; one tensor may take more by itself.
    """

    def __init__(self, most_bytes: int) -> None:
        self._sheets = Recent[tuple[bytes, ...], torch.Tensor](most_bytes)
        self._sheet_of: dict[bytes, tuple[bytes, ...]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of device memory that are kept."""
        return self._sheets.nbytes

    def rows(self, texts: tuple[bytes, ...], make: Callable[[Sequence[bytes]], torch.Tensor]) -> torch.Tensor:
        """``(texts, width)``: the row of each text.

        Args:
            texts: Different ones, one or more.
            make: Makes the rows of those that are not kept, as one tensor.
        """
        sheet = self._sheets.get(texts)
        if sheet is not None:
            return sheet
        found = {text: row for text in texts if (row := self._row(text)) is not None}
        missing = tuple(text for text in texts if text not in found)
        if missing:
            sheet = make(missing)
            self._put(missing, sheet)
            if missing == texts:
                return sheet
            found.update(zip(missing, sheet.unbind(), strict=True))
        if len(texts) == 1:
            return found[texts[0]].unsqueeze(0)
        sheet = torch.stack([found[text] for text in texts])
        self._put(texts, sheet)
        return sheet

    def clear(self) -> None:
        """Drop all."""
        self._sheets.clear()
        self._sheet_of.clear()

    def _row(self, text: bytes) -> torch.Tensor | None:
        texts = self._sheet_of.get(text)
        sheet = None if texts is None else self._sheets.get(texts)
        return None if texts is None or sheet is None else sheet[texts.index(text)]

    def _put(self, texts: tuple[bytes, ...], sheet: torch.Tensor) -> None:
        dropped = self._sheets.put(texts, sheet, sheet.nbytes)
        self._sheet_of.update(dict.fromkeys(texts, texts))
        for old in dropped:
            for text in old:
                if self._sheet_of.get(text) == old:
                    del self._sheet_of[text]
