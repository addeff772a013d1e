"""The settings that travel with a release: what a tower's input looks like and how halves are weighed.

Written by ``export`` as ``settings.json`` beside each model, read by the model and by the in-process pipeline alike,
so that offline and online cannot differ.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from ensemble.errors import DamagedRelease

ResizeMode = Literal["crop", "pad", "squash"]

DEFAULT_MAX_CHARS = 8_000
DEFAULT_MAX_BYTES = 20 * 1024 * 1024
DEFAULT_MAX_PIXELS = 16_000_000
DEFAULT_MAX_PIXELS_JPEG = 50_000_000
DEFAULT_MAX_K = 1_000


@dataclass(frozen=True)
class TextSettings:
    """How a text becomes token ids.

    Args:
        max_tokens: Longer texts are cut here, special tokens included.
        buckets: Lengths that rows are padded to, ascending, so that requests share a shape and batch; the last is
            ``max_tokens``.
        max_chars: Longer texts are refused rather than cut: they are mistakes, or attacks.
    """

    max_tokens: int = 256
    buckets: tuple[int, ...] = (16, 32, 64, 128, 256)
    max_chars: int = DEFAULT_MAX_CHARS

    def __post_init__(self) -> None:
        object.__setattr__(self, "buckets", tuple(self.buckets))
        if not self.buckets or list(self.buckets) != sorted(set(self.buckets)) or self.buckets[0] < 4:
            raise ValueError(f"`buckets` must be ascending lengths of at least 4, got {list(self.buckets)}")
        if self.buckets[-1] != self.max_tokens:
            raise ValueError(f"the last of `buckets` must be `max_tokens` = {self.max_tokens}, got {self.buckets[-1]}")
        if self.max_chars < 1:
            raise ValueError(f"`max_chars` must be at least 1, got {self.max_chars}")

    def bucket(self, length: int) -> int:
        """Smallest bucket that holds ``length`` tokens."""
        return next(size for size in self.buckets if size >= length)


@dataclass(frozen=True)
class ImageSettings:
    """How encoded bytes become pixels.

    Args:
        size: Height and width of the tower's input, in pixels.
        resize: ``crop`` fills the square and cuts what stands over, ``pad`` fits into it on white, ``squash`` ignores
            the aspect.
        max_bytes: Largest encoded picture.
        max_pixels: Largest PNG or WebP, width times height, checked before anything is decoded.
        max_pixels_jpeg: Largest JPEG; more, as a large one is decoded at a fraction of its size.
    """

    size: int = 96
    resize: ResizeMode = "pad"
    max_bytes: int = DEFAULT_MAX_BYTES
    max_pixels: int = DEFAULT_MAX_PIXELS
    max_pixels_jpeg: int = DEFAULT_MAX_PIXELS_JPEG

    def __post_init__(self) -> None:
        if self.resize not in get_args(ResizeMode):
            raise ValueError(f"`resize` must be one of {get_args(ResizeMode)}, got {self.resize!r}")
        if self.size < 8:
            raise ValueError(f"`size` must be at least 8 pixels, got {self.size}")


@dataclass(frozen=True)
class ProductSettings:
    """Which fields of a product make the text that its text half is encoded from.

    Args:
        text: Names among ``title``, ``category`` and the attributes, joined in this order.
    """

    text: tuple[str, ...] = ("title",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", tuple(self.text))
        if not self.text:
            raise ValueError("`text` must name at least one field")


@dataclass(frozen=True)
class SpaceSettings:
    """How queries meet rows; see "Rows, weights and scores" in docs/design.md.

    Args:
        space_id: SHA-256 of towers and preprocessing, in hex.
        text_dim: Length of the text half.
        image_dim: Length of the image half.
        shared: Whether both towers map into one space.
        text_query: Weight of the text and the image half for a text query.
        image_query: The same for a photo query.
        max_k: Largest ``K`` of a request.
    """

    space_id: str
    text_dim: int
    image_dim: int
    shared: bool = False
    text_query: tuple[float, float] = (1.0, 0.0)
    image_query: tuple[float, float] = (0.0, 1.0)
    max_k: int = field(default=DEFAULT_MAX_K)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text_query", tuple(self.text_query))
        object.__setattr__(self, "image_query", tuple(self.image_query))
        for name, pair in (("text_query", self.text_query), ("image_query", self.image_query)):
            if len(pair) != 2 or not all(math.isfinite(w) and w >= 0 for w in pair) or sum(pair) == 0:
                raise ValueError(f"`{name}` must be two weights >= 0, not both zero, got {list(pair)}")
        if not self.shared and (self.text_query[1] or self.image_query[0]):
            raise ValueError("towers that do not share a space cannot weigh the other half: `shared` must be true")
        if self.shared and self.text_dim != self.image_dim:
            raise ValueError(
                f"a shared space needs equal dimensions, got text {self.text_dim} and image {self.image_dim}"
            )

    @property
    def row_dim(self) -> int:
        """Length of a product row."""
        return self.text_dim + self.image_dim


Settings = TypeVar("Settings", TextSettings, ImageSettings, ProductSettings, SpaceSettings)


def write(path: Path, **sections: TextSettings | ImageSettings | ProductSettings | SpaceSettings) -> None:
    """Write ``settings.json`` with one section a keyword."""
    path.write_text(json.dumps({name: asdict(section) for name, section in sections.items()}, indent=2) + "\n")


def read(path: Path, section: str, kind: type[Settings]) -> Settings:
    """Read one section of a ``settings.json``.

    Raises:
        DamagedRelease: The file or the section is missing, or a value is not allowed.
    """
    try:
        content: dict[str, dict[str, Any]] = json.loads(path.read_text())
        return kind(**content[section])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedRelease(f"{path}: section {section!r} cannot be read: {error!r}") from error
