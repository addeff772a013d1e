"""What must be the same in every process that makes rows of one space."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import ensemble
from ensemble.hashing import sha256

# Texts, pictures and halves come out of these as they do in a release.
_MODULES = ("image", "pipeline", "product", "text", "towers", "words")
_PACKAGES = ("numpy", "Pillow", "tokenizers", "onnxruntime")


def made_by() -> dict[str, str]:
    """Hashes of the modules, and versions of the packages, that decide what a row is."""
    folder = Path(next(iter(ensemble.__path__)))
    found = {f"ensemble/{name}.py": sha256(folder / f"{name}.py") for name in _MODULES}
    return found | {name: version(name) for name in _PACKAGES}


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """What differs between two processes, as it is told."""
    return [
        name if name.endswith(".py") else f"{name} {theirs[name]} for {ours.get(name)}"
        for name in sorted(theirs)
        if ours.get(name) != theirs[name]
    ]
