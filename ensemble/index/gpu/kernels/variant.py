"""A kernel with all that is fixed when it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variant:
    """One way to compile a kernel.

    Args:
        kernel: A function under ``triton.jit``.
        about: What is special about it, for people.
        types: The type of each argument that is given when it is started, in the compiler's words: ``*fp16``, ``i32``.
            Pointers are taken to be aligned to 16 bytes, as all tensors of PyTorch's allocator are.
        constants: The others.
        warps: Groups of 32 threads that run it.
        stages: Loads in flight in a loop.
    """

    kernel: Any
    about: str
    types: Mapping[str, str]
    constants: Mapping[str, Any]
    warps: int = 4
    stages: int = 3

    @property
    def name(self) -> str:
        """The kernel's."""
        return str(self.kernel.__name__)
