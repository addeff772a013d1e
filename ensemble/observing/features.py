"""What is noted of one request: the same numbers for live traffic and for the baseline that it is compared with.

Each class takes the tensors of a model, as they came in and as they go out, and a row of them.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ensemble.arrays import to_host

Row = dict[str, Any]
Tensors = Mapping[str, Any]

MAX_CHARACTERS = 200
# Rec. 601, as Pillow turns colours to grey.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Features(Protocol):
    """Describes a row of a request.

    Attributes:
        inputs: Names of the inputs that it reads.
        outputs: Names of the outputs that it reads.
    """

    inputs: ClassVar[tuple[str, ...]]
    outputs: ClassVar[tuple[str, ...]]

    def __call__(self, inputs: Tensors, outputs: Tensors, row: int) -> Row:
        """What is noted of a row."""


@dataclass(frozen=True)
class TextFeatures:
    """Of ``text_preprocess``: ``key``, ``text``, ``characters``, ``tokens``, ``unknown``, ``cut``.

    Args:
        unknown: Id of the token that stands for what the vocabulary lacks; None where there is none.
        max_tokens: A text that fills them all is counted as cut.
        keep_texts: Whether the text itself is kept, at most ``MAX_CHARACTERS`` of it.
        secret: Of ``digest``.
    """

    unknown: int | None
    max_tokens: int
    keep_texts: bool = True
    secret: bytes = b""

    inputs: ClassVar[tuple[str, ...]] = ("TEXT",)
    outputs: ClassVar[tuple[str, ...]] = ("INPUT_IDS", "LENGTHS")

    def __call__(self, inputs: Tensors, outputs: Tensors, row: int) -> Row:
        """See ``Features``."""
        value = inputs["TEXT"].ravel()[row]
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        tokens = int(outputs["LENGTHS"].ravel()[row])
        ids = outputs["INPUT_IDS"][row, :tokens]
        return {
            "key": digest(text.encode("utf-8", "surrogatepass"), self.secret),
            # NumPy ends a string at its first NUL, and what is half a pair cannot be written.
            "text": text[:MAX_CHARACTERS].replace("\x00", " ") if self.keep_texts else "",
            "characters": float(len(text)),
            "tokens": float(tokens),
            "unknown": float((ids == self.unknown).mean()) if self.unknown is not None and tokens else 0.0,
            "cut": float(tokens >= self.max_tokens),
        }


@dataclass(frozen=True)
class PictureFeatures:
    """Of ``image_preprocess``: ``key``, ``width``, ``height``, ``bytes``, ``brightness``, ``contrast``.

    The sizes are the file's own, in pixels; brightness is the mean and contrast the standard deviation of the grey
    values, 0 to 255, of a quarter of the pixels that the tower sees.

    Args:
        secret: Of ``digest``.
    """

    secret: bytes = b""

    inputs: ClassVar[tuple[str, ...]] = ("IMAGE",)
    outputs: ClassVar[tuple[str, ...]] = ("PIXELS",)

    def __call__(self, inputs: Tensors, outputs: Tensors, row: int) -> Row:
        """See ``Features``."""
        picture = inputs["IMAGE"].ravel()[row]
        with Image.open(io.BytesIO(picture)) as image:
            width, height = image.size
        grey = outputs["PIXELS"][row, ::2, ::2] @ _LUMA
        return {
            "key": digest(picture, self.secret),
            "width": float(width),
            "height": float(height),
            "bytes": float(len(picture)),
            "brightness": float(grey.mean()),
            "contrast": float(grey.std()),
        }


@dataclass(frozen=True)
class AnswerFeatures:
    """Of ``retrieve``: ``text_vector``, ``image_vector``, ``plain``, ``best``, ``gap``, ``found``.

    ``best`` is the first score, ``gap`` what the second is below it (NaN where there is none), and ``found`` the share
    of the ``K`` products that were asked for. They can be compared only where the request is ``plain``: no filter, no
    business score. A vector of zeros stands for one that is absent.

    Args:
        text_dim: Length of a text's vector.
        image_dim: Length of a picture's vector.
        default_k: How many products a request without ``K`` wants.
    """

    text_dim: int
    image_dim: int
    default_k: int

    inputs: ClassVar[tuple[str, ...]] = ("TEXT_VECTOR", "IMAGE_VECTOR", "K", "FILTER", "RANK")
    outputs: ClassVar[tuple[str, ...]] = ("SCORE", "COUNT")

    def __call__(self, inputs: Tensors, outputs: Tensors, row: int) -> Row:
        """See ``Features``."""
        text = _vector(inputs.get("TEXT_VECTOR"), row, self.text_dim)
        image = _vector(inputs.get("IMAGE_VECTOR"), row, self.image_dim)
        count = int(outputs["COUNT"].ravel()[row])
        scores = outputs["SCORE"][row, :count]
        asked = int(inputs["K"].ravel()[row]) if "K" in inputs else self.default_k
        return {
            "text_vector": text,
            "image_vector": image,
            "plain": not any(inputs[name].ravel()[row] for name in ("FILTER", "RANK") if name in inputs),
            "best": float(scores[0]) if count else math.nan,
            "gap": float(scores[0] - scores[1]) if count > 1 else math.nan,
            "found": count / asked,
        }


def digest(data: bytes, secret: bytes) -> int:
    """Tells what was asked apart, in 64 bits: BLAKE2b, keyed, so that who has the files cannot try guesses."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8, key=secret).digest(), "big", signed=True)


def _vector(vectors: Any, row: int, dim: int) -> NDArray[np.float16]:
    if vectors is None:
        return np.zeros(dim, np.float16)
    vector: NDArray[np.float16] = to_host(vectors[row]).astype(np.float16)
    return vector
