"""A store whose one release recommends, and nothing else: no towers are needed to ask about products of an index."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from benchmarks.tasks.speed_catalogue import DIM, LEAVES, SEED, Catalogue, complements, leaf_directions
from ensemble.complement_head import COMPLEMENT
from ensemble.features import FEATURES, FeatureSettings
from ensemble.hashing import sha256
from ensemble.release import MANIFEST, Manifest, release_folder
from ensemble.settings import SpaceSettings
from export.configs import CONFIG, read_config, write_config
from export.recommending.folder import More, write_recommender
from export.recommending.probing import recommend_request
from export.repository import SOURCE

MODELS = ("admission", "recommender", "recommend")
RELEASE = 1
MADE = "made.json"
# Where the query of a complement lies between the product and the target category.
TOWARDS = 0.6
PROBED = 5


@dataclass(frozen=True)
class Made:
    """What a recommender's folder was made of.

    Args:
        products: How many.
        seed: Of all that is drawn.
        dim: Length of a vector.
        format: Of this benchmark.
    """

    products: int
    seed: int = SEED
    dim: int = DIM
    format: int = 1


def place(store: Path, products: int, told: Callable[[str], None] = lambda _: None) -> Path:
    """A store with a release that recommends; the recommender's folder.

    Vectors, lists, clusters and popular products are made once and kept; the models' code is that of today.

    Args:
        store: Where; a folder of this benchmark's own.
        products: How many.
        told: Told what takes long.
    """
    folder = store / "models" / "recommender" / str(RELEASE)
    if _made(folder) != Made(products):
        told(f"making {products:,} products, their lists and clusters (some minutes, once)")
        shutil.rmtree(store, ignore_errors=True)
        folder.mkdir(parents=True)
        _make(folder, Catalogue.draw(products))
        requests = [recommend_request(folder, _probed(products))]
        probe = release_folder(store, RELEASE) / "probe" / "probe.json"
        probe.parent.mkdir(parents=True)
        probe.write_text(json.dumps({"requests": requests}) + "\n")
        (folder / MADE).write_text(json.dumps(asdict(Made(products))) + "\n")
    _place_models(store)
    return folder


def write_head(folder: Path) -> None:
    """Write a complement head that leads from a product towards the middle of a target category, and its categories."""
    settings = FeatureSettings(text_dim=DIM, levels=3, categories=_paths())
    settings.save(folder / FEATURES)
    identity = np.eye(DIM, dtype=np.float32)
    # relu(x) - relu(-x) = x: so the hidden layer, of the size that a trained head has, hands the target on.
    hidden = np.concatenate([np.zeros((2 * DIM, DIM), np.float32), np.concatenate([identity, -identity])], axis=1)
    save_file(
        {
            "targets": _target_vectors(settings.categories),
            "hidden.weight": np.ascontiguousarray(hidden),
            "hidden.bias": np.zeros(2 * DIM, np.float32),
            "out.weight": np.ascontiguousarray(TOWARDS * np.concatenate([identity, -identity], axis=1)),
            "out.bias": np.zeros(DIM, np.float32),
            "skip.weight": np.ascontiguousarray((1 - TOWARDS) * identity),
        },
        folder / COMPLEMENT,
    )


def _make(folder: Path, catalogue: Catalogue) -> None:
    targets, counts = folder / "targets.json", folder / "counts.json"
    targets.write_text(json.dumps(complements()))
    counts.write_text(json.dumps(catalogue.popularity))
    space = SpaceSettings(f"speed-{SEED}", DIM, 0)
    more = More(complements=targets, popularity=counts)
    write_recommender(folder, products=catalogue.products, rows=catalogue.vectors(), space=space, more=more)
    write_head(folder)
    targets.unlink()
    counts.unlink()


def _made(folder: Path) -> Made | None:
    try:
        return Made(**json.loads((folder / MADE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _probed(products: int) -> list[str]:
    chosen = np.random.default_rng(SEED).choice(products, PROBED, replace=False)
    return [f"P{place:06d}" for place in chosen.tolist()]


def _place_models(store: Path) -> None:
    own = release_folder(store, RELEASE)
    for name in MODELS:
        config = read_config(SOURCE / name / CONFIG)
        for tensor in config.input:
            if tensor.name == "ROW":
                tensor.dims[:] = [DIM]
        for folder in (store / "models" / name, own / "models" / name):
            folder.mkdir(parents=True, exist_ok=True)
            write_config(folder / CONFIG, config)
        version = store / "models" / name / str(RELEASE)
        version.mkdir(exist_ok=True)
        code = SOURCE / name / "1" / "model.py"
        if code.is_file():
            shutil.copyfile(code, version / code.name)
    paths = [path for path in store.rglob("*") if path.suffix in {".pbtxt", ".py"} or path.name == "probe.json"]
    outputs = {str(path.relative_to(store)): sha256(path) for path in paths}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    Manifest(RELEASE, now, "cpu", f"speed-{SEED}", {}, outputs, {}, {}, ()).save(own / MANIFEST)


def _paths() -> tuple[str, ...]:
    """All categories, those above first."""
    depths = {"/".join(leaf.split("/")[:depth]): depth for leaf in LEAVES for depth in (1, 2, 3)}
    return tuple(sorted(depths, key=lambda path: (depths[path], path)))


def _target_vectors(categories: tuple[str, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """``(categories + 1, DIM)``: the middle of the leaves of each; the first row is of none."""
    leaves = leaf_directions()
    below = [[at for at, leaf in enumerate(LEAVES) if f"{leaf}/".startswith(f"{path}/")] for path in categories]
    return np.stack([np.zeros(DIM, np.float32), *(leaves[places].mean(axis=0) for places in below)])
