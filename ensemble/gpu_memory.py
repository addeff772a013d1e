"""Where an engine's tensors live while it runs."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import EngineFault

Array = NDArray[Any]


class Memory(Protocol):
    """Memory that TensorRT reads and writes, and the stream in whose order it does."""

    @property
    def stream(self) -> int:
        """Handle of the CUDA stream."""

    def put(self, array: Array) -> Any:
        """A tensor with the array's values."""

    def empty(self, shape: tuple[int, ...]) -> Any:
        """A float32 tensor to be filled."""

    def address(self, tensor: Any) -> int:
        """Where a tensor begins."""

    def get(self, tensor: Any) -> NDArray[np.float32]:
        """A tensor's values, once all work in the stream is done."""

    def wait(self) -> None:
        """Wait until all work in the stream is done."""


class CudaMemory:
    """Memory of the GPU that CUDA uses first, by PyTorch's allocator; one stream of its own.

    Raises:
        EngineFault: There is no PyTorch or no GPU here.
    """

    def __init__(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise EngineFault(f"an engine's tensors need PyTorch: {error}") from error
        if not torch.cuda.is_available():
            raise EngineFault("an engine needs a GPU, and CUDA finds none here")
        self._torch = torch
        self._stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    @property
    def stream(self) -> int:
        """Handle of the stream."""
        return int(self._stream.cuda_stream)

    def put(self, array: Array) -> Any:
        """A tensor with the array's values."""
        with self._torch.cuda.stream(self._stream):
            return self._torch.tensor(array, device="cuda")

    def empty(self, shape: tuple[int, ...]) -> Any:
        """A float32 tensor to be filled."""
        with self._torch.cuda.stream(self._stream):
            return self._torch.empty(shape, dtype=self._torch.float32, device="cuda")

    def address(self, tensor: Any) -> int:
        """Where a tensor begins."""
        return int(tensor.data_ptr())

    def get(self, tensor: Any) -> NDArray[np.float32]:
        """A tensor's values, once all work in the stream is done."""
        with self._torch.cuda.stream(self._stream):
            host = tensor.to("cpu", non_blocking=False)
        self.wait()
        values: NDArray[np.float32] = host.numpy()
        return values

    def wait(self) -> None:
        """Wait until all work in the stream is done."""
        self._stream.synchronize()
