"""Text towers from each kind of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ensemble.settings import TextSettings
from export import factories, huggingface
from export.errors import BadSource
from export.graphs import TEXT_OUTPUT, BuiltTower, clean
from export.onnx_sources import external_files
from export.plans import TextPlan
from export.projection import load_projection
from export.reference import Array, Floats, Reference, finish, token_mask
from export.runtime import answer_dim, run_source
from export.towers_file import TextTable

DEFAULT_MAX_TOKENS = 256
SMALLEST_BUCKET = 16
# These count positions from 2, so that two of them never hold a token.
OFFSET = 2
OFFSET_TYPES = ("roberta", "xlm-roberta", "camembert", "mpnet")

Raw = Callable[[Array, Array], Array]


def plan_text(table: TextTable) -> TextPlan:
    """Settings, files and builder of the text tower that ``[text]`` asks for.

    Raises:
        BadSource: A file is missing or a setting does not fit the source.
    """
    folder = None if table.hf is None else huggingface.find_folder(table.hf)
    tokenizer = _tokenizer(table, folder)
    files = {"tokenizer": tokenizer}
    if table.projection is not None:
        files["projection"] = table.projection
    if folder is not None:
        files |= huggingface.model_files(folder)
        pooling = table.pooling or folder_pooling(folder)
        return TextPlan(_settings(table, folder), tokenizer, files, lambda: _build_hf(table, folder, pooling))
    pooling = table.pooling or "mean"
    if table.onnx is not None:
        files |= {"onnx": table.onnx, **external_files(table.onnx)}
        return TextPlan(_settings(table, None), tokenizer, files, lambda: _build_onnx(table, pooling))
    files["factory"] = factories.source_file(str(table.factory))
    return TextPlan(_settings(table, None), tokenizer, files, lambda: _build_factory(table, pooling))


def default_buckets(max_tokens: int) -> tuple[int, ...]:
    """Powers of two from 16, ended by ``max_tokens``."""
    powers = (SMALLEST_BUCKET << step for step in range(16))
    return (*(size for size in powers if size < max_tokens), max_tokens)


def _settings(table: TextTable, folder: Path | None) -> TextSettings:
    max_tokens = table.max_tokens or (table.buckets[-1] if table.buckets else _folder_max_tokens(folder))
    try:
        return TextSettings(max_tokens=max_tokens, buckets=table.buckets or default_buckets(max_tokens))
    except ValueError as error:
        raise BadSource(f"[text] {error}") from error


def _folder_max_tokens(folder: Path | None) -> int:
    if folder is None:
        return DEFAULT_MAX_TOKENS
    config = huggingface.read_json(folder / "config.json")
    config = config.get("text_config") or config
    sentence = huggingface.read_json(folder / "sentence_bert_config.json")
    positions = int(config.get("max_position_embeddings", DEFAULT_MAX_TOKENS + OFFSET))
    positions -= OFFSET if config.get("model_type") in OFFSET_TYPES else 0
    return int(sentence.get("max_seq_length") or min(DEFAULT_MAX_TOKENS, positions))


def folder_pooling(folder: Path) -> str:
    """Pooling as the folder's sentence-transformers files say; mean where there are none.

    Raises:
        BadSource: They ask for something that is neither mean nor cls, or for further layers.
    """
    modules = folder / "modules.json"
    if modules.is_file() and any(kind in modules.read_text("utf-8") for kind in ("Dense", "LayerNorm", "CNN", "LSTM")):
        raise BadSource(
            f"{modules}: layers after the pooling are not read; export the model as onnx, or its layer as projection"
        )
    config = huggingface.read_json(folder / "1_Pooling" / "config.json")
    modes = {name.removeprefix("pooling_mode_"): on for name, on in config.items() if name.startswith("pooling_mode_")}
    modes |= {f"{config['pooling_mode']}_tokens": True} if isinstance(config.get("pooling_mode"), str) else {}
    asked = [name for name, on in modes.items() if on]
    known = {"mean_tokens": "mean", "cls_token": "cls", "cls_tokens": "cls"}
    if not asked:
        return "mean"
    if len(asked) > 1 or asked[0] not in known:
        raise BadSource(f"{folder}: pooling {', '.join(asked)}; allowed: mean or cls, or set pooling in [text]")
    return known[asked[0]]


def _tokenizer(table: TextTable, folder: Path | None) -> Path:
    given = table.tokenizer or folder
    path = given if given is None or given.is_file() else given / "tokenizer.json"
    if path is None or not path.is_file():
        raise BadSource(f"[text] tokenizer: no tokenizer.json at {path}; set tokenizer to the file, or to its folder")
    return path


def _build_hf(table: TextTable, folder: Path, pooling: str) -> BuiltTower:
    import torch

    from export.modules import HuggingFaceText

    model = huggingface.load_text_model(folder)
    causal = hasattr(model, "text_projection")

    def raw(ids: Array, mask: Array) -> Array:
        answer = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        return _array(answer.text_embeds if causal else answer.last_hidden_state)

    return _traced(table, HuggingFaceText(model, causal=causal), raw, pooling, str(folder))


def _build_factory(table: TextTable, pooling: str) -> BuiltTower:
    import torch

    module = factories.call(str(table.factory))

    def raw(ids: Array, mask: Array) -> Array:
        return _array(module(torch.from_numpy(ids), torch.from_numpy(mask)))

    return _traced(table, module, raw, pooling, str(table.factory))


def _traced(table: TextTable, encoder: Any, raw: Raw, pooling: str, source: str) -> BuiltTower:
    from export.modules import TextGraph
    from export.tracing import trace_text

    projection = load_projection(table.projection)
    graph = trace_text(TextGraph(encoder, pooling, projection), source=source)
    return BuiltTower(graph, _reference(raw, pooling, projection))


def _build_onnx(table: TextTable, pooling: str) -> BuiltTower:
    from export.merging import merge_text
    from export.onnx_sources import load_source, output_of

    source = load_source(str(table.onnx))
    output = output_of(source, table.output, source=str(table.onnx))
    projection = load_projection(table.projection)
    graph = merge_text(source, output, pooling, projection, name=str(table.onnx))
    example: dict[str, Array] = {"INPUT_IDS": np.ones((2, 8), np.int64), "LENGTHS": np.full((2, 1), 8, np.int32)}
    clean(graph, TEXT_OUTPUT, answer_dim(graph, example, source=str(table.onnx)))
    return BuiltTower(graph, _reference(_onnx_raw(source, output.name), pooling, projection))


def _onnx_raw(source: onnx.ModelProto, output: str) -> Raw:
    run = run_source(source, output)
    return lambda ids, mask: run({"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})


def _reference(raw: Raw, pooling: str, projection: Any) -> Reference:
    def reference(inputs: Mapping[str, Array]) -> Floats:
        mask = token_mask(inputs["LENGTHS"], inputs["INPUT_IDS"].shape[1])
        return finish(raw(inputs["INPUT_IDS"], mask), mask, pooling, projection)

    return reference


def _array(tensor: Any) -> Array:
    array: Array = tensor.detach().numpy()
    return array
