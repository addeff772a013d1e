"""A real Triton with scripted models under the public names, so that every kind of answer can be had at will.

Searches and ``embed_image`` are ensembles, as in a release; the latter has a queue for one request. They answer as
release 7; release 8 is on trial for searches by text, with a quarter of the keys.
"""

from __future__ import annotations

from pathlib import Path

MODEL = Path(__file__).with_name("scripted_model.py")
WRITER = Path(__file__).with_name("scripted_writer.py")
RECOMMENDER = Path(__file__).with_name("scripted_recommender.py")
FOUND = """
output [
  { name: "PRODUCT_ID" data_type: TYPE_STRING dims: [-1] }, { name: "SCORE" data_type: TYPE_FP32 dims: [-1] },
  { name: "PRODUCT" data_type: TYPE_STRING dims: [-1] }, { name: "COUNT" data_type: TYPE_INT32 dims: [1] },
  { name: "RELEASE" data_type: TYPE_INT64 dims: [1] }, { name: "SEQ" data_type: TYPE_INT64 dims: [1] }
]"""
STRING = '{{ name: "{0}" data_type: TYPE_STRING dims: [1] }}'
OPTIONAL = """, { name: "K" data_type: TYPE_INT32 dims: [1] optional: true },
  { name: "FILTER" data_type: TYPE_STRING dims: [1] optional: true },
  { name: "RANK" data_type: TYPE_STRING dims: [1] optional: true },
  { name: "MIN_SEQ" data_type: TYPE_INT64 dims: [1] optional: true }"""
SEQ = '{ name: "SEQ" data_type: TYPE_INT64 dims: [1] }'
WRITTEN = f"output [ {STRING.format('PRODUCT_ID')}, {SEQ} ]"
DELETED = f'output [ {SEQ}, {{ name: "FOUND" data_type: TYPE_BOOL dims: [1] }} ]'
SETTINGS_OF = (
    ("TASK", "STRING", "1"), ("K", "INT32", "1"), ("FILTER", "STRING", "1"), ("MIN_SEQ", "INT64", "1"),
    ("SEEN", "STRING", "-1"), ("CATEGORY", "STRING", "-1"), ("NEAREST", "INT32", "1"), ("SKIP", "INT32", "1"),
    ("DIVERSITY", "FP32", "1"), ("PER_CATEGORY", "INT32", "1"), ("PER_BRAND", "INT32", "1"),
)  # fmt: skip
KNOWN = (("PRODUCT_ID", "STRING", "-1"), ("WEIGHTS", "FP32", "-1"), ("TIMES", "INT64", "-1"))
NEW = (("PRODUCT", "STRING", "1"), ("IMAGE", "STRING", "1"))
RECOMMENDED = (
    FOUND.replace("PRODUCT", "RECOMMENDED")[:-2]
    + """,
  { name: "RULE" data_type: TYPE_STRING dims: [-1] }, { name: "REASON" data_type: TYPE_STRING dims: [1] }
]"""
)
WEIGHTS = ', { name: "WEIGHTS" data_type: TYPE_FP32 dims: [2] optional: true }'
VECTOR = 'output [ {{ name: "{0}" data_type: TYPE_FP32 dims: [4] }} ]'


def _inputs(*names: str, more: str = "") -> str:
    return f"input [ {', '.join(STRING.format(name) for name in names)}{more} ]"


def _optional(inputs: tuple[tuple[str, str, str], ...]) -> str:
    told = (f'{{ name: "{name}" data_type: TYPE_{kind} dims: [{dims}] optional: true }}' for name, kind, dims in inputs)
    return f"input [ {', '.join(told)} ]"


def _python(inputs: str, outputs: str, *, queue: str = "") -> str:
    return f'backend: "python"\nmax_batch_size: 64\n{inputs}\n{outputs}\n{queue}'


def _ensemble(model: str, inputs: str, outputs: str, names: tuple[str, ...], made: tuple[str, ...]) -> str:
    maps = [f'input_map {{ key: "{name}" value: "{name}" }}' for name in names]
    maps += [f'output_map {{ key: "{name}" value: "{name}" }}' for name in made]
    step = "\n  ".join([f'model_name: "{model}" model_version: -1', *maps])
    steps = f"ensemble_scheduling {{ step [ {{\n  {step}\n}} ] }}"
    return f'platform: "ensemble"\nmax_batch_size: 64\n{inputs}\n{outputs}\n{steps}'


TEXT, PHOTO = _inputs("TEXT", more=OPTIONAL), _inputs("IMAGE", more=OPTIONAL)
SETTINGS = ("K", "FILTER", "RANK", "MIN_SEQ")
PRODUCTS = ("PRODUCT_ID", "SCORE", "PRODUCT", "COUNT", "RELEASE", "SEQ")
# At most one request waits; the next is refused
NARROW = "dynamic_batching { preferred_batch_size: [1] default_queue_policy { max_queue_size: 1 } }"
TRIAL = 'parameters { key: "release" value { string_value: "8" } }'
SHARE = """
parameters { key: "canary_share" value { string_value: "0.25" } }
parameters { key: "canary_release" value { string_value: "8" } }"""
CONFIGS = {
    "by_text": _python(TEXT, FOUND),
    "by_photo": _python(PHOTO, FOUND),
    "narrow": _python(_inputs("IMAGE"), VECTOR.format("IMAGE_VECTOR"), queue=NARROW),
    "search_text": _ensemble("by_text", TEXT, FOUND, ("TEXT", *SETTINGS), PRODUCTS),
    "search_image": _ensemble("by_photo", PHOTO, FOUND, ("IMAGE", *SETTINGS), PRODUCTS),
    "by_trial": _python(TEXT, FOUND) + TRIAL,
    "search_text_canary": _ensemble("by_trial", TEXT, FOUND, ("TEXT", *SETTINGS), PRODUCTS) + SHARE,
    "search": _python(_inputs("TEXT", "IMAGE", more=OPTIONAL + WEIGHTS), FOUND),
    "embed_text": _python(_inputs("TEXT"), VECTOR.format("TEXT_VECTOR")),
    "embed_image": _ensemble("narrow", _inputs("IMAGE"), VECTOR.format("IMAGE_VECTOR"), ("IMAGE",), ("IMAGE_VECTOR",)),
    "embed_product": _python(_inputs("PRODUCT", "IMAGE"), VECTOR.format("ROW")),
    "recommend": _python(_optional(KNOWN + SETTINGS_OF), RECOMMENDED),
    "recommend_canary": _python(_optional(KNOWN + SETTINGS_OF), RECOMMENDED) + TRIAL,
    "recommend_product": _python(_optional(NEW + SETTINGS_OF), RECOMMENDED),
    "upsert_product": _python(_inputs("PRODUCT", "IMAGE"), WRITTEN),
    "patch_product": _python(_inputs("PATCH"), WRITTEN),
    "delete_product": _python(_inputs("PRODUCT_ID"), DELETED),
}
WRITES = ("upsert_product", "patch_product", "delete_product")


def write_models(folder: Path) -> None:
    """A model repository of the scripted models."""
    for name, config in CONFIGS.items():
        version = folder / name / "1"
        version.mkdir(parents=True)
        (folder / name / "config.pbtxt").write_text(config)
        if not config.startswith("platform"):
            (version / "model.py").write_bytes(_source(name).read_bytes())


def _source(model: str) -> Path:
    if model.startswith("recommend"):
        return RECOMMENDER
    return WRITER if model in WRITES else MODEL
