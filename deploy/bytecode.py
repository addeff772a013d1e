"""Python's compiled files of the models, so that no stub makes them."""

from __future__ import annotations

import errno
import importlib.util
import py_compile
from pathlib import Path

from deploy.errors import NoRelease

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_HASHED_AND_CHECKED = (0b11).to_bytes(4, "little")


def compile_models(models: Path) -> None:
    """Compile each ``model.py`` of a repository whose compiled file is missing, or is not of the kind ``export`` makes.

    A stub that makes ``__pycache__`` itself changes its version folder, and Triton would then reload the model at the
    next load of any ensemble above it. Compiled files are checked by the hash of their source: a repair touches it.

    Raises:
        NoRelease: A ``model.py`` cannot be read or compiled.
    """
    for script in models.glob("*/*/model.py"):
        try:
            if not is_compiled(script):
                mode = py_compile.PycInvalidationMode.CHECKED_HASH
                py_compile.compile(str(script), doraise=True, invalidation_mode=mode)
        except (OSError, ValueError, py_compile.PyCompileError) as error:
            if isinstance(error, OSError) and error.errno in _READ_ONLY:
                continue  # nor can the stub write there
            raise NoRelease(f"{script.resolve()} cannot be compiled: {error}") from error


def is_compiled(script: Path) -> bool:
    """Whether a script has a compiled file that this interpreter takes, whatever the time of the script."""
    compiled = Path(importlib.util.cache_from_source(str(script)))
    if not compiled.is_file():
        return False
    wanted = importlib.util.MAGIC_NUMBER + _HASHED_AND_CHECKED + importlib.util.source_hash(script.read_bytes())
    return compiled.read_bytes().startswith(wanted)
