"""The gate as models meet it, with a stand-in for Triton's module."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.admission import TICKET, Door, Exit, Gate
from ensemble.admission.tickets import NO_TICKET
from ensemble.errors import InvalidInput
from ensemble.observing import PROBE
from ensemble.serving import Tensors
from ensemble.variables import GATE
from tests.ensemble.measuring.stand_in import Server
from tests.ensemble.test_serving import InferenceResponse, TritonError
from tests.ensemble.test_serving import Tensor as Plain

BOUND = 4


@dataclass
class Tensor(Plain):
    def shape(self) -> list[int]:
        return list(self.value.shape)


@dataclass
class Response(InferenceResponse):
    def has_error(self) -> bool:
        return self.error is not None

    def told(self) -> str:
        assert self.error is not None
        return self.error.message

    def tensor(self, name: str) -> Any:
        return next(tensor.value for tensor in self.tensors if tensor.label == name)


class Utils(Server):
    Tensor, InferenceResponse, TritonError = Tensor, Response, TritonError


@dataclass
class Request:
    values: list[float]
    id: str = ""
    outputs: Sequence[str] = ("Y", TICKET)
    ticket: int | None = None
    seen: list[str] = field(default_factory=list)

    def inputs(self) -> list[Tensor]:
        tensors = [Tensor("X", np.array(self.values).reshape(-1, 1))]
        if self.ticket is not None:
            tensors.append(Tensor(TICKET, np.full((len(self.values), 1), self.ticket, np.int32)))
        return tensors

    def requested_output_names(self) -> list[str]:
        return list(self.outputs)

    def request_id(self) -> str:
        return self.id


def args(warm_up: int = 0) -> dict[str, str]:
    parameters = {"max_in_flight": {"string_value": str(BOUND)}}
    config = {"model_warmup": [{"name": "a", "count": warm_up}] if warm_up else [], "parameters": parameters}
    return {"model_name": "text_preprocess", "model_version": "1", "model_config": json.dumps(config)}


@pytest.fixture
def here(tmp_path: Path) -> dict[str, str]:
    return {GATE: str(tmp_path / "gate")}


@pytest.fixture
def gate(here: dict[str, str]) -> Gate:
    return Gate(Path(here[GATE]))


@pytest.fixture
def server() -> Utils:
    return Utils()


@pytest.fixture
def door(server: Utils, here: dict[str, str]) -> Iterator[Door]:
    door = Door(server, args(), here)
    yield door
    door.close()


def double(inputs: Tensors) -> Tensors:
    if (inputs["X"] < 0).any():
        raise InvalidInput("X", "negative; give a number of at least 0")
    return {"Y": inputs["X"] * 2}


def ask(door: Door, *requests: Request) -> list[Any]:
    return door.answer_each(requests, double)


def test_a_request_that_may_come_in_is_answered_with_its_ticket(door: Door, gate: Gate, here: dict[str, str]) -> None:
    (told,) = ask(door, Request([1.0, 2.0]))
    assert told.tensor("Y").tolist() == [[2.0], [4.0]]
    assert told.tensor(TICKET).dtype == np.int32
    assert told.tensor(TICKET).shape == (2, 1)
    assert gate.in_flight() == 1
    Exit(here).leave([Request([1.0], ticket=int(told.tensor(TICKET)[0, 0])), Request([1.0])])
    assert gate.in_flight() == 0


def test_what_is_too_much_is_refused_before_any_work(door: Door, gate: Gate) -> None:
    worked: list[float] = []

    def answer(inputs: Tensors) -> Tensors:
        worked.append(float(inputs["X"][0, 0]))
        return double(inputs)

    told = door.answer_each([Request([float(each)]) for each in range(7)], answer)
    assert [each.has_error() for each in told] == [False] * 4 + [True] * 3
    assert worked == [0.0, 1.0, 2.0, 3.0]
    assert told[4].error.code == "UNAVAILABLE"
    assert told[4].told() == (
        "overloaded: 4 requests are under way, as many as this server takes at once; ask again later"
    )
    assert gate.in_flight() == BOUND


def test_a_request_that_is_refused_for_itself_gives_its_ticket_back(door: Door, gate: Gate) -> None:
    told = ask(door, Request([-1.0]), Request([1.0]))
    assert [each.has_error() for each in told] == [True, False]
    assert gate.in_flight() == 1


def test_so_does_one_that_brought_its_ticket_along(door: Door, gate: Gate) -> None:
    (first,) = ask(door, Request([1.0]))
    ticket = int(first.tensor(TICKET)[0, 0])
    ask(door, Request([1.0], outputs=("Y",), ticket=ticket))
    assert gate.in_flight() == 1
    ask(door, Request([-1.0], outputs=("Y",), ticket=ticket))
    assert gate.in_flight() == 0


def test_who_asks_for_no_ticket_needs_none(door: Door, gate: Gate) -> None:
    told = ask(door, *(Request([1.0], outputs=("Y",)) for _ in range(9)))
    assert not any(each.has_error() for each in told)
    assert [tensor.label for tensor in told[0].tensors] == ["Y"]
    assert gate.in_flight() == 0


def test_a_probe_comes_into_a_full_server_and_even_probes_have_a_bound(door: Door) -> None:
    assert not any(each.has_error() for each in ask(door, *(Request([1.0]) for _ in range(BOUND))))
    assert ask(door, Request([1.0]))[0].has_error()
    told = ask(door, *(Request([1.0], id=f"{PROBE}-{number}") for number in range(BOUND + 1)))
    assert [each.has_error() for each in told] == [False] * BOUND + [True]


def test_warming_up_takes_no_tickets(server: Utils, here: dict[str, str], gate: Gate) -> None:
    door = Door(server, args(warm_up=2), here)
    told = ask(door, Request([1.0]), Request([1.0]), Request([1.0]))
    assert [int(each.tensor(TICKET)[0, 0]) == NO_TICKET for each in told] == [True, True, False]
    assert gate.in_flight() == 1
    door.close()


def test_without_a_gate_all_come_in(server: Utils) -> None:
    door = Door(server, args(), {})
    told = ask(door, *(Request([1.0]) for _ in range(9)))
    assert [int(each.tensor(TICKET)[0, 0]) for each in told] == [NO_TICKET] * 9
    Exit({}).leave([Request([1.0], ticket=NO_TICKET)])
    door.close()


def test_what_is_under_way_and_refused_is_told(door: Door, server: Utils) -> None:
    ask(door, *(Request([1.0]) for _ in range(6)))
    door.close()
    assert server.values("tandem_refused_total", model="text_preprocess", release="1") == [2.0]
    assert server.values("tandem_max_in_flight") in ([1.0], [4.0])  # less for a moment, as a queue stands
    assert server.values("tandem_in_flight") == [4.0]


def test_a_mistake_at_the_end_reaches_no_request(
    here: dict[str, str], gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Request):
        def inputs(self) -> list[Tensor]:
            raise RuntimeError("no tensors")

    Exit(here).leave([Broken([1.0])])
    assert "a ticket could not be given back; it frees itself" in caplog.text
