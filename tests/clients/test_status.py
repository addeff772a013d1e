from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import (
    BadInput,
    Behind,
    NoServer,
    NotServed,
    QueueFull,
    ServerFault,
    TandemError,
    Timeout,
    Unavailable,
)
from clients.status import clean, to_error
from ensemble.errors import Overloaded

STUB = (
    "in ensemble 'search_text', Failed to process the request(s) for model instance 'text_tower_0', "
    "message: Stub process 'text_tower_0' is not healthy."
)


@pytest.mark.parametrize(
    ("grpc", "http", "message", "kind"),
    [
        ("INVALID_ARGUMENT", "400", "TEXT: empty; give at least one character", BadInput),
        ("INVALID_ARGUMENT", "400", "FILTER: unknown field 'Exceeds maximum queue size'", BadInput),
        ("INVALID_ARGUMENT", "400", "FILTER: unknown field 'connection refused'", BadInput),
        ("RESOURCE_EXHAUSTED", "413", "message larger than max", BadInput),
        ("NOT_FOUND", "404", "Request for unknown model: 'search' is not found", NotServed),
        ("NOT_FOUND", "404", "Request for unknown model: 'search' has no available versions", Unavailable),
        ("INVALID_ARGUMENT", "400", "Request for unknown model: 'a' version 2 is not at ready state", Unavailable),
        ("INVALID_ARGUMENT", "400", "out of bounds index 0", Unavailable),
        (
            "INVALID_ARGUMENT",
            "400",
            "in ensemble 'search', unexpected deadlock, at least one output is not set",
            BadInput,
        ),
        ("UNAVAILABLE", "503", "in ensemble 'search', Exceeds maximum queue size", QueueFull),
        ("UNAVAILABLE", "503", f"in ensemble 'search', {Overloaded(16)}", QueueFull),
        ("INVALID_ARGUMENT", "400", "overloaded: is no field", BadInput),
        ("UNAVAILABLE", "503", "in ensemble 'search', MIN_SEQ: 9; this index is at 7", Behind),
        ("INVALID_ARGUMENT", "400", "MIN_SEQ: -1; at least 0 is allowed", BadInput),
        ("UNAVAILABLE", "503", "TANDEM_CATALOGUE: postgresql://...: Connection refused", Unavailable),
        ("UNAVAILABLE", "503", "in ensemble 'upsert_product', TANDEM_CATALOGUE is not set, so", ServerFault),
        ("UNAVAILABLE", "503", "TANDEM_CATALOGUE cannot be used: sqlite:///c: the file is damaged", ServerFault),
        ("UNAVAILABLE", "503", "Server is stopping, scheduler for model has stopped", Unavailable),
        ("UNAVAILABLE", "503", "failed to connect to all addresses; last error: Connection refused", NoServer),
        ("UNAVAILABLE", "503", "DNS resolution failed for nowhere:1: Domain name not found", NoServer),
        ("CANCELLED", "499", "the server cancelled it", Unavailable),
        ("DEADLINE_EXCEEDED", "504", "Deadline Exceeded", Timeout),
        ("INTERNAL", "500", "in ensemble 'search', out of memory", ServerFault),
        ("INTERNAL", "500", STUB, Unavailable),
        ("UNIMPLEMENTED", "501", "no such call", ServerFault),
        ("SOMETHING_NEW", "599", "?", ServerFault),
    ],
)
def test_both_protocols_give_the_same_error(grpc: str, http: str, message: str, kind: type[TandemError]) -> None:
    for error in (to_error(f"StatusCode.{grpc}", message), to_error(http, message)):
        assert type(error) is kind
        assert "in ensemble" not in str(error)


@pytest.mark.parametrize("message", [None, "", "in ensemble 'x', "])
def test_an_answer_without_a_text_still_tells_its_status(message: str | None) -> None:
    assert str(to_error("500", message)) == "the server gave no reason (status 500)"
    assert isinstance(to_error(None, message), ServerFault)


@given(
    st.lists(
        st.sampled_from(["in ensemble 'search', ", "[request id: 17] ", "[request id: <id_unknown>] "]), max_size=5
    )
)
def test_all_of_triton_s_prefixes_go_and_the_message_stays(prefixes: list[str]) -> None:
    message = "TEXT[2]: empty; the word in ensemble 'x', stays"
    assert clean("".join(prefixes) + message) == message


@given(st.text())
def test_cleaning_is_done_after_one_time(message: str) -> None:
    assert clean(clean(message)) == clean(message)


@given(st.none() | st.text(), st.none() | st.text())
def test_any_answer_gives_an_error_with_a_text(status: str | None, message: str | None) -> None:
    assert str(to_error(status, message))
