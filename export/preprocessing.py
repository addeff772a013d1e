"""What a Hugging Face folder says of its pictures: every key is honoured or refused, none is passed over.

Serving resizes to a square with a bilinear filter and scales inside the graph. What a folder asks for beyond that would
make the tower answer other pictures than it was trained on, and no comparison of graph and source would show it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.settings import ResizeMode
from export.errors import BadSource
from export.huggingface import read_json
from export.towers_file import Triple, VisionTable

FILES = ("preprocessor_config.json", "processor_config.json")
# Read below, always done (RGB), or about labels.
KNOWN_SWITCHES = (
    "do_resize",
    "do_center_crop",
    "do_rescale",
    "do_normalize",
    "do_pad",
    "do_convert_rgb",
    "do_reduce_labels",
)
BILINEAR = 2
# From this size on ConvNeXt squashes instead of cropping.
CONVNEXT_SQUASHES_FROM = 384
OR_RESIZE = "or set resize in [vision], which goes before what the folder says of resizing"
OR_SCALING = "or set mean and std in [vision], for pixels of 0 to 1"


@dataclass(frozen=True)
class Preprocessing:
    """How pictures become a tower's input.

    Args:
        size: Height and width in pixels; ``None`` where the folder does not say.
        resize: How they are brought to it.
        mean: Of each channel, for pixels of 0 to 1.
        std: Likewise.
    """

    size: int | None
    resize: ResizeMode
    mean: Triple
    std: Triple


def read_preprocessing(folder: Path, table: VisionTable) -> Preprocessing:
    """What a folder says, where ``[vision]`` does not.

    Raises:
        BadSource: The folder asks for what serving does not do, or does not say how pixels are scaled; lists every key.
    """
    source, said = _said(folder)
    problems = [
        f"{key} = {value!r}; allowed: false"
        for key, value in said.items()
        if value and ((key.startswith("do_") and key not in KNOWN_SWITCHES) or key == "rescale_offset")
    ]
    size, resize = _geometry(said, table, problems)
    mean, std = _scaling(said, table, problems)
    if problems:
        raise BadSource(
            "\n".join([f"{source}: pictures cannot be prepared as it says", *(f"  {one}" for one in problems)])
        )
    return Preprocessing(table.image_size or size, resize, mean, std)


def _said(folder: Path) -> tuple[Path, Mapping[str, Any]]:
    """The keys, and the file that they stand in."""
    own, shared = (folder / name for name in FILES)
    if own.is_file():
        return own, read_json(own)
    nested = read_json(shared).get("image_processor")
    return (shared, nested) if isinstance(nested, dict) else (own, {})


def _geometry(said: Mapping[str, Any], table: VisionTable, problems: list[str]) -> tuple[int | None, ResizeMode]:
    crops = bool(said.get("do_center_crop", said.get("crop_size") is not None))
    edge, square = _side(said.get("size"), "shortest_edge"), _side(said.get("size"), "height", "width")
    if isinstance(said.get("size"), int) and crops:
        square = None  # as older folders say that the shortest edge is scaled
    elif isinstance(said.get("size"), int):
        edge = None
    cropped = _side(said.get("crop_size"), "height", "width") if crops else None
    asked = edge or square
    size = cropped or asked
    if table.resize is not None or not said:
        return size, table.resize or "crop"
    if not said.get("do_resize", True):
        problems.append(f"do_resize = false; allowed: true, {OR_RESIZE}")
    if said.get("do_pad"):
        problems.append(f"do_pad = {said['do_pad']!r}; allowed: false, {OR_RESIZE}")
    if said.get("resample") != BILINEAR:
        problems.append(f"resample = {said.get('resample')!r}; allowed: {BILINEAR} (bilinear), {OR_RESIZE}")
    if asked is None:
        allowed = "one number, shortest_edge alone, or height and width that are equal"
        problems.append(f"size = {said.get('size')!r}; allowed: {allowed}, {OR_RESIZE}")
    elif crops and cropped != asked:
        problems.append(f"crop_size = {said.get('crop_size')!r}; allowed: {asked}, as size, {OR_RESIZE}")
    elif edge is not None and not crops:
        return edge, _uncropped(edge, said.get("crop_pct"), problems)
    return size, "crop" if square is None else "squash"


def _uncropped(edge: int, crop_pct: object, problems: list[str]) -> ResizeMode:
    """A shortest edge without a crop is ConvNeXt's, or leaves pictures of any width."""
    if crop_pct is None:
        problems.append(f"do_center_crop = false beside shortest_edge; allowed: true, {OR_RESIZE}")
    elif edge >= CONVNEXT_SQUASHES_FROM:
        return "squash"
    elif crop_pct != 1:
        problems.append(f"crop_pct = {crop_pct!r}; allowed: 1 below {CONVNEXT_SQUASHES_FROM} pixels, {OR_RESIZE}")
    return "crop"


def _side(value: object, *names: str) -> int | None:
    """The side that a number, or an object of just these names, stands for."""
    if isinstance(value, Mapping):
        sides = {name: side for name, side in value.items() if side is not None}
        if set(sides) != set(names) or len(set(sides.values())) != 1:
            return None
        value = sides[names[0]]
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _scaling(said: Mapping[str, Any], table: VisionTable, problems: list[str]) -> tuple[Triple, Triple]:
    """Mean and std for pixels of 0 to 1, whatever the folder's own scale is."""
    if table.mean is not None and table.std is not None:
        return table.mean, table.std
    factor = said.get("rescale_factor", 1 / 255) if said.get("do_rescale", True) else 1
    if not _is_number(factor) or factor <= 0:
        problems.append(f"rescale_factor = {factor!r}; allowed: a number above 0, {OR_SCALING}")
        factor = 1 / 255
    scale = 255 * factor
    if not said.get("do_normalize", True):
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    else:
        mean, std = _triple("image_mean", said, problems), _triple("image_std", said, problems)
        if min(std) <= 0:
            problems.append(f"image_std = {said['image_std']!r}; allowed: three numbers above 0, {OR_SCALING}")
    return table.mean or _times(mean, 1 / scale), table.std or _times(std, 1 / scale)


def _triple(key: str, said: Mapping[str, Any], problems: list[str]) -> Triple:
    value = said.get(key)
    if isinstance(value, list) and len(value) == 3 and all(map(_is_number, value)):
        return value[0], value[1], value[2]
    got = f"{key} = {value!r}" if key in said else f"{key} is missing"
    problems.append(f"{got}; allowed: three numbers, {OR_SCALING}")
    return 1.0, 1.0, 1.0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _times(values: Triple, factor: float) -> Triple:
    return values[0] * factor, values[1] * factor, values[2] * factor
