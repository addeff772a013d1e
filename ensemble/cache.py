"""A tower that remembers: the vectors of the rows encoded last, by their exact content.

Triton's own response cache is not used: it stores an error, such as that of a process that died, as an empty success
and answers with it until the server ends. See docs/decisions/0005-a-cache-of-our-own.md.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.towers import Tower, Vectors

KEY_BYTES = 16


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
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()
        self.lookups = self.hits = 0

    def encode(self, inputs: Mapping[str, NDArray[Any]]) -> Vectors:
        """Vectors ``(batch, dim)``; see ``Tower.encode``. A row that stands in the batch twice is encoded once."""
        if not self._capacity:
            return self._tower.encode(inputs)
        keys = self._keys(inputs)
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        found = {key: self._vectors[key] for key in first if key in self._vectors}
        missing = [key for key in first if key not in found]
        self.lookups += len(keys)
        self.hits += sum(key in found for key in keys)
        if missing:
            rows = [first[key] for key in missing]
            encoded = self._tower.encode({name: tensor[rows] for name, tensor in inputs.items()})
            found |= dict(zip(missing, map(np.copy, encoded), strict=True))  # a view would keep the whole batch alive
        self._remember(found)
        return np.stack([found[key] for key in keys])

    def _keys(self, inputs: Mapping[str, NDArray[Any]]) -> Sequence[bytes]:
        """What identifies each row: its bytes in every input. Their number tells the shape, so that rows cannot mix."""
        tensors = [np.ascontiguousarray(inputs[name]) for name in self._tower.inputs]
        return [
            blake2b(b"".join(tensor[row].tobytes() for tensor in tensors), digest_size=KEY_BYTES).digest()
            for row in range(len(tensors[0]))
        ]

    def _remember(self, found: Mapping[bytes, Vectors]) -> None:
        for key, vector in found.items():
            self._vectors[key] = vector
            self._vectors.move_to_end(key)
        while len(self._vectors) > self._capacity:
            self._vectors.popitem(last=False)
