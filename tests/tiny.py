"""A release small enough to be made in a moment: real files in the real layout, with towers of a few numbers.

The text tower sums one random vector a word, the vision tower projects the mean colour of a 4 x 4 grid, so that answers
can be worked out by hand and both run in ONNX Runtime like any other.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from ensemble import settings
from ensemble.index import IndexBuilder
from ensemble.pipeline import Encoders

DIM = 8
SIZE = 16
RELEASE = 1
WORDS = ("red", "green", "blue", "white", "mug", "chair", "lamp", "ball", "small", "large")
COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 60, 220), "white": (245, 245, 245)}
TEXT = settings.TextSettings(max_tokens=16, buckets=(4, 8, 16), max_chars=200)
IMAGE = settings.ImageSettings(size=SIZE, resize="squash", max_pixels=1_000_000, max_bytes=200_000)
PRODUCT = settings.ProductSettings(("title",))
SPACE = settings.SpaceSettings("tiny", DIM, DIM, shared=True, text_query=(0.6, 0.4), image_query=(0.3, 0.7), max_k=100)


def tokenizer() -> Tokenizer:
    """Words of ``WORDS``, with ``[CLS]`` and ``[SEP]`` around them."""
    vocabulary = {word: number for number, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def text_tower() -> onnx.ModelProto:
    """Mean of one vector a real token, L2-normalised."""
    model = parser.parse_model(
        """
        <ir_version: 8, opset_import: ["" : 18]>
        text_tower (int64[batch, tokens] INPUT_IDS, int32[batch, 1] LENGTHS) => (float[batch, 8] TEXT_VECTOR) {
            table = Identity (words)
            rows = Gather (table, INPUT_IDS)
            shape = Shape <start = 1> (INPUT_IDS)
            zero = Constant <value_int = 0> ()
            one = Constant <value_int = 1> ()
            end = Squeeze (shape)
            places = Range (zero, end, one)
            lengths = Cast <to = 7> (LENGTHS)
            real = Less (places, lengths)
            mask = Cast <to = 1> (real)
            last = Constant <value_ints = [-1]> ()
            column = Unsqueeze (mask, last)
            kept = Mul (rows, column)
            along = Constant <value_ints = [1]> ()
            total = ReduceSum <keepdims = 0> (kept, along)
            size = ReduceL2 <keepdims = 1> (total, last)
            least = Constant <value_float = 1e-12> ()
            bound = Max (size, least)
            TEXT_VECTOR = Div (total, bound)
        }
        """
    )
    table = np.random.default_rng(1).normal(size=(4 + len(WORDS), DIM)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(table, "words"))
    return model


def vision_tower() -> onnx.ModelProto:
    """A projection of the mean colours of a 4 x 4 grid, L2-normalised."""
    model = parser.parse_model(
        """
        <ir_version: 8, opset_import: ["" : 18]>
        vision_tower (uint8[batch, 16, 16, 3] PIXELS) => (float[batch, 8] IMAGE_VECTOR) {
            real = Cast <to = 1> (PIXELS)
            planes = Transpose <perm = [0, 3, 1, 2]> (real)
            grid = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (planes)
            flat = Flatten (grid)
            projected = MatMul (flat, projection)
            last = Constant <value_ints = [-1]> ()
            size = ReduceL2 <keepdims = 1> (projected, last)
            least = Constant <value_float = 1e-12> ()
            bound = Max (size, least)
            IMAGE_VECTOR = Div (projected, bound)
        }
        """
    )
    projection = np.random.default_rng(2).normal(size=(48, DIM)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(projection, "projection"))
    return model


def picture(colour: tuple[int, int, int], seed: int, *, side: int = 32) -> bytes:
    """A noisy picture of one colour, as PNG."""
    noise = np.random.default_rng(seed).integers(-20, 21, (side, side, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def products(count: int = 40) -> list[dict[str, Any]]:
    """Products of a colour and a kind; every seventh has no picture, every fifth no price."""
    kinds = {"mug": "Kitchen/Mugs", "chair": "Home/Chairs", "lamp": "Home/Lamps", "ball": "Sport"}
    made = []
    for number in range(count):
        colour, kind = list(COLOURS)[number % 4], list(kinds)[number // 4 % 4]
        attributes = {"color": colour, "number": float(number), "new": number % 2 == 0}
        made.append(
            {
                "id": f"P{number:03}",
                "title": f"{('small', 'large')[number % 2]} {colour} {kind}",
                "category": kinds[kind],
                "price": None if number % 5 == 0 else 5.0 + number,
                "available": number % 3 != 0,
                "image": None if number % 7 == 0 else f"images/P{number:03}.png",
                "attributes": attributes,
            }
        )
    return made


def pictures(rows: list[dict[str, Any]]) -> list[bytes]:
    """The picture of each product; empty where it has none."""
    colours = [COLOURS[row["attributes"]["color"]] for row in rows]
    return [
        picture(colour, seed) if row["image"] else b""
        for seed, (row, colour) in enumerate(zip(rows, colours, strict=True))
    ]


def write_release(models_folder: Path, release: int = RELEASE) -> list[dict[str, Any]]:
    """Write what the models of one release read below a Triton repository; returns the products."""
    for name in ("text_preprocess", "image_preprocess", "product_preprocess", "text_tower", "vision_tower", "retrieve"):
        (models_folder / name / str(release)).mkdir(parents=True, exist_ok=True)
    onnx.save(text_tower(), models_folder / "text_tower" / str(release) / "model.onnx")
    onnx.save(vision_tower(), models_folder / "vision_tower" / str(release) / "model.onnx")
    for name, sections in {
        "text_preprocess": {"text": TEXT},
        "image_preprocess": {"image": IMAGE},
        "product_preprocess": {"text": TEXT, "image": IMAGE, "product": PRODUCT},
        "retrieve": {"space": SPACE},
    }.items():
        settings.write(models_folder / name / str(release) / "settings.json", **sections)  # type: ignore[arg-type]
    for name in ("text_preprocess", "product_preprocess"):
        tokenizer().save(str(models_folder / name / str(release) / "tokenizer.json"))
    rows = products()
    builder = IndexBuilder(SPACE)
    builder.add(rows, Encoders.open(models_folder, release).embed_product(rows, pictures(rows)))
    builder.save(models_folder / "retrieve" / str(release) / "index")
    return rows
