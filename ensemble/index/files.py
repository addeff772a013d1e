"""Files that are hashed while they are written and checked before they are used."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256

HASHING_THREADS = 2


@dataclass(frozen=True)
class Print:
    """What a file must be to be the one that was written.

    Args:
        bytes: Its size.
        sha256: Of its content, in hex.
    """

    bytes: int
    sha256: str


def write(path: Path, parts: Iterable[bytes]) -> Print:
    """Write a file piece by piece, and have it on the disk before this returns."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
            digest.update(part)
            size += len(part)
        file.flush()
        os.fsync(file.fileno())
    return Print(size, digest.hexdigest())


def write_array(path: Path, dtype: Any, shape: tuple[int, ...], parts: Iterable[NDArray[Any]]) -> Print:
    """Write a ``.npy`` file of which no more than a part is in memory at a time."""
    return write(path, _npy(np.dtype(dtype), shape, parts))


def print_of(path: Path) -> Print:
    """The print of a file that another library wrote, which is brought onto the disk as well."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return Print(path.stat().st_size, sha256(path))


def hash_of(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check(folder: Path, prints: Mapping[str, Print]) -> None:
    """Check every file.

    Raises:
        DamagedRelease: One is missing, cut or altered; names it.
    """
    largest_first = sorted(prints.items(), key=lambda item: -item[1].bytes)
    with ThreadPoolExecutor(HASHING_THREADS) as threads:
        for _ in threads.map(lambda item: _check(folder / item[0], item[1]), largest_first):
            pass


def mapped(path: Path) -> NDArray[Any]:
    """An array mapped into memory, read-only."""
    # A plain view of the map: every slice of a `memmap` costs microseconds of Python.
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return array


def _check(path: Path, expected: Print) -> None:
    try:
        size = path.stat().st_size
        if size != expected.bytes:
            raise DamagedRelease(f"{path}: {size:,} bytes; it was written with {expected.bytes:,}")
        if sha256(path) != expected.sha256:
            raise DamagedRelease(f"{path}: altered since it was written; restore it or make a new release")
    except FileNotFoundError:
        raise DamagedRelease(f"{path}: missing") from None
    except OSError as error:
        raise DamagedRelease(f"{path}: cannot be read: {error}") from error


def _npy(dtype: np.dtype[Any], shape: tuple[int, ...], parts: Iterable[NDArray[Any]]) -> Iterable[bytes]:
    header = io.BytesIO()
    content = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, content)  # type: ignore[no-untyped-call]
    yield header.getvalue()
    for part in parts:
        yield np.ascontiguousarray(part, dtype).tobytes()


def as_json(content: Mapping[str, Any]) -> bytes:
    """JSON as it lies in files: UTF-8, one line."""
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
