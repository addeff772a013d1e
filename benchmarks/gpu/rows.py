"""Rows that lie as a catalogue's do, made on the device: in clusters, with variants of a product that look the same."""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Rows that are made, copied or scored at a time.
CHUNK = 262_144
ROWS_A_CLUSTER = 256
MOST_CLUSTERS = 65_536
# Embeddings of one tower point more or less the same way; those of one kind of product more so.
COMMON = 0.5
WITHIN = 0.7
QUERY_WITHIN = 0.9
# Of so many rows in turn, the last few are the first again: sizes and colours of one product.
RUN, COPIES = 16, 2


@dataclass(frozen=True)
class Rows:
    """A catalogue's rows, any part of which can be made anew.

    Args:
        count: How many.
        dim: Their length.
        device: Where they are made; the numbers depend on it.
    """

    count: int
    dim: int
    device: torch.device

    @property
    def chunks(self) -> int:
        """In how many parts they are made."""
        return -(-self.count // CHUNK)

    def chunk(self, number: int) -> torch.Tensor:
        """``(up to CHUNK, dim)`` float16 unit rows, the same each time."""
        rows = self._around(min(CHUNK, self.count - number * CHUNK), WITHIN, seed=2 + number)
        place = torch.arange(len(rows), device=self.device)
        is_copy = place % RUN >= RUN - COPIES
        return rows[torch.where(is_copy, place - place % RUN, place)].half()

    def queries(self, count: int) -> torch.Tensor:
        """``(count, dim)`` float32 unit rows, near clusters and equal to no product."""
        return self._around(count, QUERY_WITHIN, seed=1)

    def _around(self, count: int, within: float, *, seed: int) -> torch.Tensor:
        generator = self._generator(seed)
        centres = self._centres()
        chosen = torch.randint(len(centres), (count,), generator=generator, device=self.device)
        return _unit(centres[chosen] + within * self._directions(count, generator))

    def _centres(self) -> torch.Tensor:
        generator = self._generator(0)
        clusters = max(1, min(MOST_CLUSTERS, self.count // ROWS_A_CLUSTER))
        common = self._directions(1, generator)
        return _unit(COMMON * common + self._directions(clusters, generator))

    def _directions(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Unit rows of any direction."""
        return _unit(torch.randn((count, self.dim), generator=generator, device=self.device))

    def _generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows, dim=1)
