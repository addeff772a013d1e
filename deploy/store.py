"""What there is to serve."""

from __future__ import annotations

import py_compile
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import NoRelease
from ensemble.release import manifest_path, release_folder, releases

_MAKE_ONE = "make one with `python -m export release --catalogue FILE --store {store}`"


@dataclass(frozen=True)
class Release:
    """One release of a store.

    Args:
        number: Its number.
        models: Triton's model repository.
        folder: ``releases/NNNN``.
        run: Where the running server leaves its traces: ``serve.json``, ``events.jsonl``, the log.
    """

    number: int
    models: Path
    folder: Path
    run: Path

    @property
    def probe(self) -> Path:
        """The file of requests with known answers."""
        return self.folder / "probe" / "probe.json"


def find_release(store: Path) -> Release:
    """The newest complete release of a store.

    Raises:
        NoRelease: There is none, or no models or probe with it.
    """
    hint = _MAKE_ONE.format(store=store)
    store = store.resolve()
    numbers = [number for number in releases(store) if manifest_path(store, number).is_file()]
    if not numbers:
        raise NoRelease(f"{store} holds no release: {hint}")
    number = max(numbers)
    release = Release(number, store / "models", release_folder(store, number), store / "run")
    if not any(release.models.glob("*/config.pbtxt")):
        raise NoRelease(f"{release.models} holds no models, though there is a release {number}: {hint}")
    if not release.probe.is_file():
        raise NoRelease(
            f"release {number} has no probe ({release.probe}), so it could not be proved before serving: {hint}"
        )
    return release


def compile_models(models: Path) -> None:
    """Compile every ``model.py`` beforehand.

    A stub that makes ``__pycache__`` itself changes its version directory, and Triton would then reload the model at
    the next load of any ensemble above it.
    """
    for script in models.glob("*/*/model.py"):
        try:
            py_compile.compile(str(script), doraise=True)
        except PermissionError:
            continue  # nor can the stub write there
        except (OSError, py_compile.PyCompileError) as error:
            raise NoRelease(f"{script} cannot be compiled: {error}") from error
