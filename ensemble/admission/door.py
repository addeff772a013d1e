"""The gate as models of an ensemble meet it: the first takes a ticket for a request, the last gives it back."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ensemble.admission.bound import bound_of
from ensemble.admission.gate import Entrance, Gate, open_gate
from ensemble.admission.tickets import NO_TICKET
from ensemble.errors import Overloaded
from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import IN_FLIGHT, MAX_IN_FLIGHT, REFUSED
from ensemble.measuring.meter import Meter
from ensemble.observing.observer import PROBE
from ensemble.serving import Tensors, guarded, response, tensors_of, warm_up_requests

log = logging.getLogger(__name__)

# The tensor that a ticket travels in, from the first model of an ensemble to the last.
TICKET = "TICKET"
# A probe must not find a full server broken. But who sends probes may be anyone, so they are bounded too.
PROBE_PLACES = 2


class Door:
    """Answers requests at the model that they come to first, and refuses what is too much.

    A ticket is taken where ``TICKET`` is asked for, as an ensemble does whose last model gives it back. Where a request
    brings its ticket along, and where it is refused for another reason, that is given back here.

    Args:
        pb_utils: Triton's module.
        args: What Triton hands to ``initialize``.
        environment: Names the gate's folder; without one all is let in.
    """

    def __init__(self, pb_utils: Any, args: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> None:
        self._pb_utils = pb_utils
        self._warm_up = warm_up_requests(args["model_config"])
        self._gate, self._entrance = _open(bound_of(args), environment)
        self._meter = Meter(pb_utils, args, look=self._look)
        # Shown at zero, so that its first rise is seen as one.
        self._meter.board.add({Series(REFUSED): 0.0})

    def answer_each(self, requests: Sequence[Any], answer: Callable[[Tensors], Tensors]) -> list[Any]:
        """Answer every request by itself that may come in.

        All are judged before the first is worked on: none gets the place of one that came earlier.
        """
        let_in = [self._let_in(request) for request in requests]
        return [self._answer(request, ticket, answer) for request, ticket in zip(requests, let_in, strict=True)]

    def close(self) -> None:
        """Stop counting, and leave the place to another process."""
        self._meter.close()
        if self._entrance is not None:
            self._entrance.close()

    def _let_in(self, request: Any) -> int | Overloaded:
        """The ticket of a request, or why it has none."""
        if self._warm_up:
            self._warm_up -= 1
            return NO_TICKET
        if self._entrance is None or TICKET not in request.requested_output_names():
            return ticket_in(request)
        places = PROBE_PLACES if request.request_id().startswith(PROBE) else 1
        limit = self._entrance.limit()
        ticket = self._entrance.take(_rows(request), places=places)
        return Overloaded(limit) if ticket is None else ticket

    def _answer(self, request: Any, ticket: int | Overloaded, answer: Callable[[Tensors], Tensors]) -> Any:
        told = guarded(self._pb_utils, partial(self._outputs, request, ticket, answer))
        if isinstance(ticket, Overloaded):
            self._meter.board.add({Series(REFUSED): 1.0})
        elif self._gate is not None and told.has_error():
            self._gate.free(ticket)
        return told

    def _outputs(self, request: Any, ticket: int | Overloaded, answer: Callable[[Tensors], Tensors]) -> Any:
        if isinstance(ticket, Overloaded):
            raise ticket
        outputs = dict(answer(tensors_of(request)))
        if TICKET in request.requested_output_names():
            outputs[TICKET] = np.full((_rows(request), 1), ticket, np.int32)
        return response(self._pb_utils, outputs)

    def _look(self, board: Board) -> None:
        if self._entrance is not None:
            board.set({
                IN_FLIGHT: float(self._entrance.gate.in_flight()),
                MAX_IN_FLIGHT: float(self._entrance.limit()),
            })  # fmt: skip


class Exit:
    """Gives tickets back at the model that ends requests.

    Args:
        environment: Names the gate's folder; without one there is nothing to give back.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._gate = open_gate(environment)

    def leave(self, requests: Sequence[Any]) -> None:
        """Give back the tickets of requests, however they ended; no mistake here reaches a request."""
        if self._gate is None:
            return
        for request in requests:
            try:
                self._gate.free(ticket_in(request))
            except Exception:
                log.exception("a ticket could not be given back; it frees itself")


def ticket_in(request: Any) -> int:
    """The ticket that a request brings along."""
    for tensor in request.inputs():
        if tensor.name() == TICKET:
            return int(tensor.as_numpy().flat[0])
    return NO_TICKET


def _rows(request: Any) -> int:
    return int(request.inputs()[0].shape()[0])


def _open(bound: int, environment: Mapping[str, str]) -> tuple[Gate | None, Entrance | None]:
    gate = open_gate(environment)
    try:
        return gate, None if gate is None else Entrance(gate, bound)
    except OSError as error:
        log.warning("requests are not counted, and none is refused: %s", error)
        return gate, None
