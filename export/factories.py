"""Towers made by a Python function, ``module:function``."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

from export.errors import BadSource


def call(name: str) -> Any:
    """Call ``module:function`` without arguments; gives its ``nn.Module``, in evaluation mode.

    A text module takes ids ``(batch, sequence)`` int64 and a mask of the same shape and type, and gives
    ``(batch, dim)``, or ``(batch, sequence, dim)`` to be pooled. A vision module takes normalised pixels
    ``(batch, 3, size, size)`` float32 and gives ``(batch, dim)``.

    Raises:
        BadSource: There is no such function, it fails, or it gives something else.
    """
    from torch import nn

    function = _function(name)
    try:
        module = function()
    except Exception as error:  # the function may fail in any way of its own
        raise BadSource(f"factory = {name!r}: the function failed: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise BadSource(f"factory = {name!r}: a torch.nn.Module is needed, got {type(module).__name__}")
    return module.float().eval()


def source_file(name: str) -> Path:
    """The Python file that the function is written in.

    Raises:
        BadSource: There is no such function, or it has no file.
    """
    try:
        path = inspect.getsourcefile(_function(name))
    except TypeError:
        path = None
    if path is None:
        raise BadSource(f"factory = {name!r}: a function of a Python file is needed")
    return Path(path)


def _function(name: str) -> Any:
    module, function = name.split(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise BadSource(f"factory = {name!r}: {error}; the module must be importable from where you start") from error
