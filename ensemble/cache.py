"""A tower that remembers: the vectors of the rows encoded last, by their exact content.

Triton's own response cache is not used: it stores an error, such as that of a process that died, as an empty success
and answers with it until the server ends. See docs/decisions/0005-a-cache-of-our-own.md.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.towers import Tower, Vectors

KEY_BYTES = 16
# A popular row is encoded anew this often: a tower that breaks while it runs is then found out by the watcher's probes,
# which always send the same, and by its callers, instead of hiding behind what it knew when it was well.
REFRESH_S = 10.0


class CachedTower:
    """Encodes rows that are new, and remembers them until others were asked for more recently.

    ``lookups`` and ``hits`` count rows. Nothing but a vector is ever stored, so an error is not.

    Args:
        tower: Encodes what is not remembered.
        capacity: Rows to remember; 0 for none.
    """

    def __init__(self, tower: Tower, capacity: int) -> None:
        if capacity < 0:
            raise ValueError(f"`capacity` must be at least 0 rows, got {capacity}")
        self._tower, self._capacity = tower, capacity
        self._vectors: OrderedDict[bytes, tuple[float, Vectors]] = OrderedDict()
        self.lookups = self.hits = 0

    def encode(self, inputs: Mapping[str, NDArray[Any]]) -> Vectors:
        """Vectors ``(batch, dim)``; see ``Tower.encode``. A row that stands in the batch twice is encoded once."""
        if not self._capacity:
            return self._tower.encode(inputs)
        keys, now = self._keys(inputs), time.monotonic()
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        found = {key: vector for key in first if (vector := self._recall(key, now)) is not None}
        missing = [key for key in first if key not in found]
        self.lookups += len(keys)
        self.hits += sum(key in found for key in keys)
        if missing:
            rows = [first[key] for key in missing]
            encoded = self._tower.encode({name: tensor[rows] for name, tensor in inputs.items()})
            fresh = dict(zip(missing, map(np.copy, encoded), strict=True))  # a view would keep the whole batch alive
            self._remember(fresh, now)
            found |= fresh
        return np.stack([found[key] for key in keys])

    def _keys(self, inputs: Mapping[str, NDArray[Any]]) -> Sequence[bytes]:
        """What identifies each row: its bytes in every input. Their number tells the shape, so that rows cannot mix."""
        tensors = [np.ascontiguousarray(inputs[name]) for name in self._tower.inputs]
        return [
            blake2b(b"".join(tensor[row].tobytes() for tensor in tensors), digest_size=KEY_BYTES).digest()
            for row in range(len(tensors[0]))
        ]

    def _recall(self, key: bytes, now: float) -> Vectors | None:
        encoded_at, vector = self._vectors.get(key, (-np.inf, None))
        if vector is None or now - encoded_at > REFRESH_S:
            return None
        self._vectors.move_to_end(key)
        return vector

    def _remember(self, vectors: Mapping[bytes, Vectors], now: float) -> None:
        for key, vector in vectors.items():
            self._vectors[key] = (now, vector)
            self._vectors.move_to_end(key)
        while len(self._vectors) > self._capacity:
            self._vectors.popitem(last=False)
