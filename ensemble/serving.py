"""What the models of ``model_repository`` share: tensors in, tensors out, and each request failing alone.

Triton is not imported here: a model hands in its ``pb_utils``, and tests hand in a small stand-in.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.arrays import from_device
from ensemble.errors import InvalidInput, Unavailable

log = logging.getLogger(__name__)

Tensors = Mapping[str, NDArray[Any]]


def tensors_of(request: Any) -> dict[str, Any]:
    """The inputs of a request by name, each where it lies; optional ones that are absent are absent here."""
    return {tensor.name(): tensor.as_numpy() if tensor.is_cpu() else from_device(tensor) for tensor in request.inputs()}


def response(pb_utils: Any, outputs: Tensors) -> Any:
    """A response that holds the given tensors."""
    return pb_utils.InferenceResponse([pb_utils.Tensor(name, value) for name, value in outputs.items()])


def refusal(pb_utils: Any, error: Exception) -> Any:
    """A response that holds an error: in full where the caller can act on it, else by its kind, the rest in the log."""
    if isinstance(error, InvalidInput | Unavailable):
        code = pb_utils.TritonError.INVALID_ARG if isinstance(error, InvalidInput) else pb_utils.TritonError.UNAVAILABLE
        # What is quoted may hold half a surrogate pair, which cannot leave this process.
        message = str(error).encode("utf-8", "backslashreplace").decode()
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))
    log.error("request failed", exc_info=error)
    message = f"internal error ({type(error).__name__}); the server's log tells more"
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, pb_utils.TritonError.INTERNAL))


def answer_each(pb_utils: Any, requests: Sequence[Any], answer: Callable[[Tensors], Tensors]) -> list[Any]:
    """Answer every request by itself."""
    return [_answer(pb_utils, request, answer) for request in requests]


def answer_together(pb_utils: Any, requests: Sequence[Any], answer: Callable[[Tensors], Tensors]) -> list[Any]:
    """Answer requests of one shape in one call, each by itself where that fails or shapes differ.

    Args:
        pb_utils: Triton's module.
        requests: Their inputs are concatenated along the batch.
        answer: From inputs to outputs, each with the batch as first dimension.
    """
    if len(requests) > 1:
        try:
            return _together(pb_utils, requests, answer)
        except InvalidInput:
            pass  # the one at fault is told below
        except Exception:
            log.exception("a batch of %d requests failed together; each is tried alone", len(requests))
    return answer_each(pb_utils, requests, answer)


def answer_batch(
    pb_utils: Any, requests: Sequence[Any], answer: Callable[[Sequence[Tensors]], Sequence[Tensors | Exception]]
) -> list[Any]:
    """Answer all requests by one call that judges each by itself.

    Args:
        pb_utils: Triton's module.
        requests: Each may have several rows.
        answer: From the inputs of each request to its outputs, or why it was refused. What it raises refuses all.
    """
    try:
        answers = answer([tensors_of(request) for request in requests])
    except Exception as error:
        return [refusal(pb_utils, error) for _ in requests]
    return [guarded(pb_utils, partial(_told, pb_utils, each)) for each in answers]


def warm_up_requests(config: str) -> int:
    """How many requests Triton sends an instance before any other, by the model's config as JSON."""
    return sum(max(1, int(sample.get("count", 0))) for sample in json.loads(config).get("model_warmup", ()))


def guarded(pb_utils: Any, make: Callable[[], Any]) -> Any:
    """The response that ``make`` gives, or a refusal: an exception out of ``execute`` fails the whole batch."""
    try:
        return make()
    except Exception as error:
        return refusal(pb_utils, error)


def _told(pb_utils: Any, answer: Tensors | Exception) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return response(pb_utils, answer)


def _answer(pb_utils: Any, request: Any, answer: Callable[[Tensors], Tensors]) -> Any:
    return guarded(pb_utils, lambda: response(pb_utils, answer(tensors_of(request))))


def _together(pb_utils: Any, requests: Sequence[Any], answer: Callable[[Tensors], Tensors]) -> list[Any]:
    inputs = [tensors_of(request) for request in requests]
    joined = {name: np.concatenate([each[name] for each in inputs]) for name in inputs[0]}
    return _split(pb_utils, answer(joined), [len(next(iter(each.values()))) for each in inputs])


def _split(pb_utils: Any, outputs: Tensors, sizes: Sequence[int]) -> list[Any]:
    bounds = np.cumsum(sizes)[:-1]
    pieces = {name: np.split(tensor, bounds) for name, tensor in outputs.items()}
    return [response(pb_utils, {name: piece[part] for name, piece in pieces.items()}) for part in range(len(sizes))]
