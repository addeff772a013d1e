"""Raw inputs to tensors, twice: as served, and by a slow twin that shares no arithmetic with it.

The gate starts from texts and encoded pictures, so that it sees what a graph alone cannot show: a wrong way to resize,
another tokenizer, a bucket too short.

Two ways to shrink a picture round differently, and there are towers whose vectors move by a cosine of 0.003 when every
tenth value moves by 1 of 255: a gate that asks for 0.999 would judge the rounding, not the graph. So what is served is
held to the twin by itself, and where they are the same but for rounding, reference and candidate get the very same
tensors. Where they are not, the reference gets the twin's, so that the cosines tell what the difference costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.image import ImagePreprocessor
from ensemble.settings import ImageSettings, TextSettings
from ensemble.text import TextPreprocessor, Tokens
from export.gate.trial import Raw
from export.gate.twin_image import pixels_of
from export.gate.twin_text import TextTwin
from export.reference import Array

Feed = Mapping[str, Array]
Prepare = Callable[[Sequence[Raw]], Feed]
Values = NDArray[np.float64]

# Mean difference of a picture's values of 0 to 255 that rounding can make: 0.1 to 0.6 on photos, 1.3 on noise that is
# shrunk inside a JPEG's DCT. Crop for squash makes 7 on a picture that is 1.03 times as wide as high.
MAX_ROUNDING = 1.5


@dataclass(frozen=True)
class Prepared:
    """A batch of inputs as tensors.

    Args:
        served: As serving makes them.
        wanted: What the reference gets: ``served`` itself, or the twin's where they differ by more than rounding.
        differences: ``(batch,)`` between served and twin: mean over a picture's values of 0 to 255; of a text infinite
            where a token differs, else 0.
    """

    served: Feed
    wanted: Feed
    differences: Values


@dataclass(frozen=True)
class Preparation:
    """How raw inputs become what a tower takes.

    Args:
        served: As serving does it.
        twin: As it should be.
        differences: ``(batch,)`` of what both made of a batch; see ``Prepared``.
        crowds: Given a few inputs, batches as served that begin with them and go on with inputs unlike them.
    """

    served: Prepare
    twin: Prepare
    differences: Callable[[Feed, Feed], Values]
    crowds: Callable[[Sequence[Raw]], list[Feed]]

    def __call__(self, raws: Sequence[Raw]) -> Prepared:
        """Prepare a batch both ways.

        Raises:
            InvalidInput: Serving refuses an input; names the row.
        """
        served, twin = self.served(raws), self.twin(raws)
        differences = self.differences(served, twin)
        return Prepared(served, served if (differences <= MAX_ROUNDING).all() else twin, differences)


def text_preparation(tokenizer: Path, settings: TextSettings, twin: TextTwin | None = None) -> Preparation:
    """For a text tower.

    Args:
        tokenizer: The ``tokenizer.json`` that is served.
        settings: As served.
        twin: As the tower asks for; by what is served, where that is not told apart.
    """
    preprocess, checked = TextPreprocessor(tokenizer, settings), twin or TextTwin(tokenizer, settings)

    def crowds(raws: Sequence[Raw]) -> list[Feed]:
        """A crowd for each bucket: one text fills it, so all are padded to it."""
        long = ". ".join([str(raw) for raw in raws] * settings.max_tokens)[: settings.max_chars]
        width = preprocess(raws).input_ids.shape[1]
        wider = [replace(settings, max_tokens=size, buckets=(size,)) for size in settings.buckets if size >= width]
        return [_tokens(TextPreprocessor(tokenizer, one)([*raws, long])) for one in wider]

    return Preparation(
        lambda raws: _tokens(preprocess(raws)), lambda raws: _tokens(checked(raws)), _differing_tokens, crowds
    )


def vision_preparation(settings: ImageSettings, twin: ImageSettings | None = None) -> Preparation:
    """For a vision tower.

    Args:
        settings: As served.
        twin: As the tower asks for; what is served, where that is not told apart.
    """
    preprocess = ImagePreprocessor(settings)

    def served(raws: Sequence[Raw]) -> Feed:
        return {"PIXELS": preprocess([_picture(raw) for raw in raws])}

    def crowds(raws: Sequence[Raw]) -> list[Feed]:
        """Beside a white and a black picture, which have the largest values there are."""
        white = preprocess.blank()
        return [{"PIXELS": np.concatenate([served(raws)["PIXELS"], [white, np.zeros_like(white)]])}]

    def checked(raws: Sequence[Raw]) -> Feed:
        return {"PIXELS": pixels_of([_picture(raw) for raw in raws], twin or settings)}

    return Preparation(served, checked, _differing_pixels, crowds)


def _differing_tokens(served: Feed, twin: Feed) -> Values:
    rows = len(twin["INPUT_IDS"])
    if served["INPUT_IDS"].shape != twin["INPUT_IDS"].shape:
        return np.full(rows, np.inf)
    same = [(served[name] == twin[name]).all(axis=1) for name in ("INPUT_IDS", "LENGTHS")]
    return np.where(same[0] & same[1], 0.0, np.inf)


def _differing_pixels(served: Feed, twin: Feed) -> Values:
    if served["PIXELS"].shape != twin["PIXELS"].shape:
        return np.full(len(twin["PIXELS"]), np.inf)
    found: Values = np.abs(served["PIXELS"].astype(np.int16) - twin["PIXELS"]).mean(axis=(1, 2, 3))
    return found


def _tokens(tokens: Tokens) -> Feed:
    return {"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}


def _picture(raw: Raw) -> bytes:
    if isinstance(raw, str):
        raise TypeError("a vision tower takes encoded pictures, got a text")
    return raw
