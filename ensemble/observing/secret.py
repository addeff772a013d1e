"""The key that requests are told apart with: one for all processes of a store, so that a query asked again counts once.

It is kept beside the windows, readable by its owner alone.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

FILE = "key"
_BYTES = 32


def secret_of(folder: Path) -> bytes:
    """The key of a folder, made where there is none.

    Where it can be neither read nor written the process has one of its own: a query then counts once a process.
    """
    made = secrets.token_bytes(_BYTES)
    unfinished = folder / f".{FILE}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / FILE).exists():
            _write(unfinished, made)
            # Of several processes that begin at once, the first wins; no other ever sees half a key.
            with suppress(FileExistsError):
                os.link(unfinished, folder / FILE)
        known = (folder / FILE).read_bytes()
    except OSError:
        return made
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return known if len(known) == _BYTES else made


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
