from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.http as triton_http

from deploy.options import ServeOptions
from deploy.server import Server
from deploy.tracing import Tracing
from tests.deploy.conftest import wait_for
from tests.deploy.measured.receiver import Receiver, Span, receiving
from tests.deploy.shop import make_store

CALLER = "b7ad6b7169203331"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def traced(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that traces every request, and sends its spans soon."""
    store = make_store(tmp_path_factory.mktemp("traced") / "var")
    options = ServeOptions(tracing=Tracing(receiver.url, rate=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        with Server(store, watch=False, options=options) as running:
            yield running


def asked(traced: Server, receiver: Receiver, trace: str, *, http: bool = False) -> dict[str, Span]:
    """Send a request as part of a trace of the caller's; the spans of it by name."""
    module, url = (triton_http, traced.http_url) if http else (triton, traced.grpc_url)
    with module.InferenceServerClient(url.partition("//")[2]) as client:
        text = module.InferInput("TEXT", (1, 1), "BYTES")
        text.set_data_from_numpy(np.array([[b"hello"]], object))
        client.infer("search_text", [text], headers={"traceparent": f"00-{trace}-{CALLER}-01"})

    def spans() -> dict[str, Span]:
        return {span.name: span for span in receiver.spans if span.trace == trace}

    wait_for(lambda: len(spans()) == 5, 30.0)  # sent in batches
    return spans()


@pytest.mark.parametrize(("http", "trace"), [(False, TRACE), (True, TRACE[::-1])])
def test_a_request_and_its_steps_are_one_trace_that_continues_the_callers(
    traced: Server, receiver: Receiver, http: bool, trace: str
) -> None:
    spans = asked(traced, receiver, trace, http=http)
    assert spans.keys() == {"InferRequest", "search_text", "length", "rank", "compute"}
    assert {span.service for span in spans.values()} == {"tandem"}
    assert spans["InferRequest"].parent == CALLER
    assert spans["search_text"].parent == spans["InferRequest"].id
    for step in ("length", "rank"):
        assert spans[step].parent == spans["search_text"].id
        assert spans[step].attributes["triton.model_version"] == "1"
        assert 0 < spans[step].seconds <= spans["search_text"].seconds


def test_a_request_without_a_trace_begins_one(traced: Server, receiver: Receiver) -> None:
    known = {span.trace for span in receiver.spans}
    with triton.InferenceServerClient(traced.grpc_url.removeprefix("grpc://")) as client:
        text = triton.InferInput("TEXT", (1, 1), "BYTES")
        text.set_data_from_numpy(np.array([[b"hello"]], object))
        client.infer("search_text", [text])
    wait_for(lambda: bool({span.trace for span in receiver.spans} - known), 30.0)


def test_what_tritonserver_is_told() -> None:
    assert Tracing("http://127.0.0.1:4318/v1/traces", 7).arguments() == [
        "--trace-config=mode=opentelemetry",
        "--trace-config=level=TIMESTAMPS",
        "--trace-config=rate=7",
        "--trace-config=opentelemetry,url=http://127.0.0.1:4318/v1/traces",
        "--trace-config=opentelemetry,resource=service.name=tandem",
    ]


@pytest.mark.parametrize(
    ("url", "rate", "message"),
    [
        ("https://127.0.0.1:4318/v1/traces", 1, "must be http://HOST:PORT/v1/traces"),
        ("127.0.0.1:4318", 1, "must be http://HOST:PORT/v1/traces"),
        ("http:///v1/traces", 1, "must be http://HOST:PORT/v1/traces"),
        ("http://127.0.0.1:4318/v1/traces", -1, "`--trace-rate` must be at least 0, got -1"),
    ],
)
def test_what_cannot_be_traced_to_is_refused(url: str, rate: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tracing(url, rate)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(ValueError, match=r"got '\.\.\.@host:1/v1/traces'") as caught:
        Tracing("http://ann:secret@host:1/v1/traces")
    assert "secret" not in str(caught.value)
