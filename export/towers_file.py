"""``towers.toml``: where the towers come from and how their vectors are compared.

    [text]                                 # all-MiniLM-L6-v2 where the table is absent
    hf = "sentence-transformers/all-MiniLM-L6-v2"   # or onnx = "text.onnx", or factory = "module:function"
    projection = "text_head.safetensors"   # weight (out, in), bias (out) optional

    [vision]
    onnx = "mobilenet.onnx"
    output = "features"
    image_size = 224
    mean = [0.5, 0.5, 0.5]
    std = [0.5, 0.5, 0.5]

    [space]
    shared = true
    text_query = [1.0, 0.5]                # weight of a product's text and image half for a text query

    [product]
    text = ["title", "color"]

    [gate]                                 # what a graph of lower precision must keep; see export/gate
    queries = "queries.jsonl"              # real ones, see export/queries.py; without it the catalogue's own are taken
    products = 2000                        # so many are to be found, from all over the catalogue
    held_out = 256                         # so many inputs are compared, where queries are too few
    [gate.int8]                            # bounds of a precision: cosine_mean, cosine_p01, cosine_min, recall_at_10,
    cosine_p01 = 0.98                      # recall_at_100, batch_distance, labelled_drop; also gate.fp16, gate.fp32

    [calibration]
    queries = "train.jsonl"                # real queries that ranges are measured on beside products; never the gate's

    [recommend]                            # without it the frozen product tower answers by the default tasks
    tower = "product_tower"                # folder of `python -m training product-tower`
    tasks = "tasks.toml"                   # profiles; see ensemble/tasks/tasks.toml
    complements = "complements.json"       # which categories go together, in place of the tower's own file
    popularity = "popularity.json"         # how often each product was bought, likewise
    clusters = 0                           # 0: about the square root of the products, at most 1,000

    [engine]                               # of target tensorrt; see export/engines/table.py for every key
    version_compatible = true

    [columns]                              # see catalogue/columns.py; used where --columns is not given
    title = "name"

Paths are relative to the file. ``${NAME}`` and ``${NAME:-default}`` are taken from the environment; a folder that a
variable names is relative to where you are, as everywhere else.
A folder of ``hf`` says by itself how its pictures are resized and scaled; what serving does not do is refused, and
``resize``, or ``mean`` and ``std``, in ``[vision]`` go before what it says. Beside ``onnx`` and ``factory`` both of
``mean`` and ``std`` must be given.
A vision tower's ``pooling`` is ``cls`` or ``mean`` of a sequence; ``mean`` of a map is its global average.
A factory is Python code that runs: name only modules that you trust. The manifest has the hash of the factory's own
file; weights that it reads are covered by the hash of the graph that is made of them (``model.onnx`` in ``outputs``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from catalogue import BadColumns, Columns
from ensemble.settings import ResizeMode
from export import toml
from export.engines.table import EngineTable
from export.errors import BadTowers
from export.gate.table import GateTable
from export.recommend_table import RecommendTable
from export.tables import ExistingPath, Table, existing

DEFAULT_TEXT_TOWER = "sentence-transformers/all-MiniLM-L6-v2"
UNPICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
Triple = tuple[float, float, float]


def _safetensors(path: Path) -> Path:
    if path.suffix in UNPICKLED:
        raise ValueError(f"a .safetensors file; {path.suffix} files are unpickled, which can run any code")
    if path.suffix != ".safetensors":
        raise ValueError("a .safetensors file")
    return path


def _dotted(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        raise ValueError('"module:function"')
    return name


def _positive(std: Triple) -> Triple:
    if min(std) <= 0:
        raise ValueError("three numbers above 0")
    return std


SafetensorsPath = Annotated[Path, AfterValidator(_safetensors), AfterValidator(existing)]
Factory = Annotated[str, AfterValidator(_dotted)]
Name = Annotated[str, Field(min_length=1)]
Weights = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]


class _TowerTable(Table):
    """What both towers have: exactly one source, and an optional projection."""

    hf: Name | None = None
    onnx: ExistingPath | None = None
    factory: Factory | None = None
    output: Name | None = None
    projection: SafetensorsPath | None = None

    @model_validator(mode="after")
    def _one_source(self) -> _TowerTable:
        given = [name for name in ("hf", "onnx", "factory") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of hf, onnx, factory; got {', '.join(given) or 'none'}")
        if self.output is not None and self.onnx is None:
            raise ValueError("output only beside onnx")
        return self


class TextTable(_TowerTable):
    """``[text]``."""

    pooling: Literal["mean", "cls"] | None = None
    tokenizer: ExistingPath | None = None
    max_tokens: Annotated[int, Field(ge=4, le=8192)] | None = None
    buckets: tuple[Annotated[int, Field(ge=4)], ...] | None = None

    @model_validator(mode="after")
    def _has_tokenizer(self) -> TextTable:
        if self.hf is None and self.tokenizer is None:
            raise ValueError("tokenizer = a tokenizer.json, or the folder of one, beside onnx and factory")
        return self


class VisionTable(_TowerTable):
    """``[vision]``; ``mean`` and ``std`` are for pixels of 0 to 1."""

    image_size: Annotated[int, Field(ge=8, le=2048)] | None = None
    resize: ResizeMode | None = None
    mean: Triple | None = None
    std: Annotated[Triple, AfterValidator(_positive)] | None = None
    pooling: Literal["cls", "mean", "pooler"] | None = None
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    input: Name | None = None

    @model_validator(mode="after")
    def _belongs(self) -> VisionTable:
        if self.onnx is None and (self.input is not None or "layout" in self.model_fields_set):
            raise ValueError("input and layout only beside onnx")
        if self.factory is not None and self.image_size is None:
            raise ValueError("image_size beside factory")
        if self.hf is None and (self.mean is None or self.std is None):
            raise ValueError("mean and std beside onnx and factory: three numbers each, for pixels of 0 to 1")
        if self.hf is None and self.pooling == "pooler":
            raise ValueError("pooling = 'pooler' only beside hf; 'cls' or 'mean' beside onnx and factory")
        return self


class SpaceTable(Table):
    """``[space]``; see "Rows, weights and scores" in docs/design.md."""

    shared: bool = False
    text_query: Weights = (1.0, 0.0)
    image_query: Weights = (0.0, 1.0)

    @model_validator(mode="after")
    def _comparable(self) -> SpaceTable:
        if not sum(self.text_query) or not sum(self.image_query):
            raise ValueError("text_query and image_query with one weight above 0 at least")
        if not self.shared and (self.text_query[1] or self.image_query[0]):
            raise ValueError("weights of the other half only where shared = true: the towers then map into one space")
        return self


class ProductTable(Table):
    """``[product]``."""

    text: Annotated[tuple[Name, ...], Field(min_length=1)] = ("title",)


class CalibrationTable(Table):
    """``[calibration]``."""

    queries: ExistingPath | None = None


class TowersFile(Table):
    """A whole ``towers.toml``."""

    text: TextTable = Field(default_factory=lambda: TextTable(hf=DEFAULT_TEXT_TOWER))
    vision: VisionTable
    space: SpaceTable = SpaceTable()
    product: ProductTable = ProductTable()
    gate: GateTable = GateTable()
    calibration: CalibrationTable = CalibrationTable()
    engine: EngineTable = EngineTable()
    recommend: RecommendTable = RecommendTable()
    columns: Any = None


def load(path: Path, environment: Mapping[str, str] = os.environ) -> TowersFile:
    """Read and check a towers file.

    Raises:
        BadTowers: Lists every problem with field, value and what is allowed.
    """
    problems: list[str] = []
    try:
        content = toml.read(path, environment, problems)
    except (OSError, ValueError) as error:
        raise BadTowers(str(path), [str(error)]) from error
    try:
        if "columns" in content:
            Columns.from_table(content["columns"], source=str(path))
    except BadColumns as error:
        problems += error.problems
    try:
        towers = TowersFile.model_validate(content, context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise BadTowers(str(path), problems + [_problem(dict(one)) for one in error.errors()]) from error
    if problems:
        raise BadTowers(str(path), problems)
    return _with_local_folders(towers, path.resolve().parent)


def _with_local_folders(towers: TowersFile, folder: Path) -> TowersFile:
    """Replace ``hf`` by the absolute folder where one of that name lies beside the file; a hub id stays."""
    update = {}
    for name, table in (("text", towers.text), ("vision", towers.vision)):
        if table.hf is not None and (folder / Path(table.hf).expanduser()).is_dir():
            update[name] = table.model_copy(update={"hf": str(folder / Path(table.hf).expanduser())})
    return towers.model_copy(update=update)


def _problem(error: Mapping[str, Any]) -> str:
    """One line for one of pydantic's errors."""
    field = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] == "missing":
        return f"{field} is missing"
    if error["type"] == "extra_forbidden":
        return f"{field} = {error['input']!r}; no such key"
    allowed = str(error["msg"]).removeprefix("Value error, ")
    got = "" if isinstance(error["input"], dict) else f" = {error['input']!r}"
    return f"{field}{got}; allowed: {allowed}"
