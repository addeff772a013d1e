"""The same pipeline behind a plain FastAPI app: what one would write without Triton.

Started by the benchmark as ``uvicorn benchmarks.plain_app:app``, with TANDEM_MODELS and TANDEM_RELEASE in the
environment. Endpoints are ordinary functions, which FastAPI runs in its thread pool, so that both cores are used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI

from ensemble.pipeline import Hit, Pipeline

app = FastAPI()
pipeline = Pipeline.open(Path(os.environ["TANDEM_MODELS"]), int(os.environ["TANDEM_RELEASE"]))


@app.post("/text")
def search_text(text: Annotated[str, Body(media_type="text/plain")]) -> dict[str, Any]:
    """Products for a text."""
    return _answer(pipeline.search([text])[0])


@app.post("/image")
def search_image(image: Annotated[bytes, Body(media_type="application/octet-stream")]) -> dict[str, Any]:
    """Products for the bytes of a photo."""
    return _answer(pipeline.search(None, [image])[0])


def _answer(hits: list[Hit]) -> dict[str, Any]:
    return {"results": [{"id": hit.id, "score": hit.score, "product": hit.product} for hit in hits]}
