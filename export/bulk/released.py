"""The towers of a release, as they travel to workers that do not see the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256
from ensemble.pipeline import Encoders
from ensemble.release import Manifest, manifest_path, releases
from ensemble.settings import ImageSettings, ProductSettings, SpaceSettings, TextSettings, read
from export.errors import BadSource
from export.targets import GRAPH, TOWERS

# What `Encoders.open` reads where no GPU is used.
_PREPROCESS = "product_preprocess"
_FILES = (
    (_PREPROCESS, "settings.json"),
    (_PREPROCESS, "tokenizer.json"),
    *((tower, GRAPH) for tower in TOWERS),
)


@dataclass(frozen=True)
class Released:
    """A release that is whole.

    Args:
        number: Its number.
        models: Triton's repository of the store.
        space: The space of its rows.
        text: What its texts may be.
        image: What its pictures may be.
        product: Which fields make a product's text.
        hashes: SHA-256 of each of its files, by the path in the store.
    """

    number: int
    models: Path
    space: SpaceSettings
    text: TextSettings
    image: ImageSettings
    product: ProductSettings
    hashes: Mapping[str, str]

    @classmethod
    def of(cls, store: Path, number: int | None) -> Released:
        """Find a release.

        Args:
            store: The store.
            number: Of the release; None for the newest.

        Raises:
            BadSource: The store does not have it, or none.
            DamagedRelease: A file of it cannot be read.
        """
        there = [one for one in releases(store) if manifest_path(store, one).is_file()]
        if not there or number not in (None, *there):
            allowed = f"allowed: {', '.join(map(str, there))}" if there else "it has none"
            raise BadSource(f"{store}: no release {'at all' if number is None else number}; {allowed}")
        chosen = there[-1] if number is None else number
        models = store / "models"
        settings = models / _PREPROCESS / str(chosen) / "settings.json"
        return cls(
            chosen,
            models,
            read(models / "retrieve" / str(chosen) / "settings.json", "space", SpaceSettings),
            read(settings, "text", TextSettings),
            read(settings, "image", ImageSettings),
            read(settings, "product", ProductSettings),
            Manifest.load(manifest_path(store, chosen)).outputs,
        )

    def files(self) -> dict[str, bytes]:
        """What encoders are opened from, by the path in the repository; each is what was released.

        Raises:
            DamagedRelease: One is missing, or differs from what was released.
        """
        found = {}
        for model, name in _FILES:
            path = self.models / model / str(self.number) / name
            inside = path.relative_to(self.models)
            if not path.is_file() or sha256(path) != self.hashes.get(str("models" / inside)):
                raise DamagedRelease(f"{path}: missing, or not what was released")
            found[str(inside)] = path.read_bytes()
        return found


def opened(files: Mapping[str, bytes], number: int) -> Encoders:
    """Encoders of one thread over files that came from elsewhere; nothing of them stays on the disk.

    Args:
        files: As ``Released.files`` gives them.
        number: Of their release.

    Raises:
        DamagedRelease: One cannot be used.
    """
    with TemporaryDirectory(prefix="tandem-towers-") as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return Encoders.open(Path(folder), number)
