"""The folder that a trained tower is kept in.

tower.safetensors        weights of the encoder
tower.json               format, features, shape, recipe, best figures, rows of some products
complement.safetensors   weights of the complement head, and the vectors of its target categories; not there where
                         no pairs could teach it, nor is complements.json then
complements.json         which categories complement which; may be edited by hand
popularity.json          orders that hold each product, by its id; visits, where views alone are known
training.json            figures of each epoch
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ensemble.complement_head import COMPLEMENT, TENSORS
from ensemble.features import FeatureSettings
from training.errors import TrainingInputError
from training.product.complement import ComplementModule
from training.product.complements import COMPLEMENTS, ComplementMap
from training.product.module import ProductEncoder
from training.product.shape import TowerShape
from training.product.student import Student

if TYPE_CHECKING:
    from training.product.trained import Trained

FORMAT = 1
TOWER, SETTINGS = "tower.safetensors", "tower.json"
POPULARITY, TRAINING = "popularity.json", "training.json"


def save(trained: Trained, folder: Path, complements: ComplementMap | None = None) -> None:
    """Write all files of the folder.

    Args:
        trained: the tower.
        folder: made where it is not there.
        complements: the learned map; what a map in the folder holds from a hand is kept, unless the tower has no head.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder, settings = trained.student.encoder, trained.features
    _save_weights(folder / TOWER, encoder)
    described = {
        "format": FORMAT,
        "dim": encoder.shape.dim,
        "text_dim": settings.text_dim,
        "image_dim": settings.image_dim,
        "shape": trained.recipe.as_dict()["shape"],
        "features": settings.as_dict(),
        "recipe": trained.recipe.as_dict(),
        "best": trained.epochs[trained.best_epoch - 1],
    }
    (folder / SETTINGS).write_text(_with_rows(described, trained.rows), "utf-8")
    if trained.has_complement:
        _save_complement(trained.student, folder, complements or ComplementMap({}))
    else:
        for name in (COMPLEMENT, COMPLEMENTS):
            (folder / name).unlink(missing_ok=True)
    _write(folder / POPULARITY, trained.popularity)
    _write(folder / TRAINING, {"best_epoch": trained.best_epoch, "epochs": list(trained.epochs)})


def _save_complement(student: Student, folder: Path, learned: ComplementMap) -> None:
    """Write head and map, which say nothing without each other."""
    state = {name: value.contiguous() for name, value in student.complement.state_dict().items()}
    save_file(state | {"targets": _targets(student)}, folder / COMPLEMENT)
    path = folder / COMPLEMENTS
    kept = ComplementMap.load(path).by_hand() if path.is_file() else ComplementMap({})
    kept.over(learned).save(path)


def load_encoder(folder: Path) -> ProductEncoder:
    """See ``ProductEncoder.load``."""
    features, shape = _described(folder)
    encoder = ProductEncoder(features, shape)
    _load_weights(encoder, folder / TOWER, ())
    return encoder.eval()


def load_complement(folder: Path) -> ComplementModule:
    """See ``ComplementModule.load``."""
    features, shape = _described(folder)
    module = ComplementModule(features, shape)
    _load_weights(module, folder / COMPLEMENT, ("targets",))
    return module.eval()


@torch.no_grad()
def head_tensors(student: Student) -> dict[str, NDArray[Any]]:
    """The tensors of ``ensemble.complement_head``."""
    state = {**student.complement.state_dict(), "targets": _targets(student)}
    return {name: state[name].cpu().numpy() for name in TENSORS}


@torch.no_grad()
def _targets(student: Student) -> torch.Tensor:
    levels = torch.from_numpy(student.encoder.features.category_table.table())
    described = student.complement.targets(student.encoder.category, levels.to(student.encoder.category.weight.device))
    return described.cpu().contiguous()


def _described(folder: Path) -> tuple[FeatureSettings, TowerShape]:
    path = folder / SETTINGS
    if not path.is_file():
        raise TrainingInputError(f"tower: no file {path}; `python -m training product-tower` writes one")
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            raise TrainingInputError(f"tower: {path} has format {content['format']!r}, must be {FORMAT}")
        return FeatureSettings.from_dict(content["features"]), TowerShape(**content["shape"])
    except (ValueError, TypeError, KeyError) as error:
        raise TrainingInputError(f"tower: {path} cannot be read: {error!r}") from error


def _save_weights(path: Path, module: nn.Module) -> None:
    save_file({name: value.cpu().contiguous() for name, value in module.state_dict().items()}, path)


def _load_weights(module: nn.Module, path: Path, beside: tuple[str, ...]) -> None:
    try:
        state = {name: value for name, value in load_file(path).items() if name not in beside}
        module.load_state_dict(state)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise TrainingInputError(f"tower: {path} cannot be read: {error}") from error


def _with_rows(described: Mapping[str, Any], rows: Mapping[str, list[float]]) -> str:
    """JSON with a row a line, not a number a line."""
    lines = ",\n".join(f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(row)}" for name, row in rows.items())
    body = json.dumps(described, indent=1, ensure_ascii=False).removesuffix("\n}")
    return f'{body},\n "rows": {{\n{lines}\n }}\n}}\n'


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
