from __future__ import annotations

import pytest

from clients import messages
from clients.errors import BadInput, Unavailable
from clients.http_codec import HEADER_LENGTH, Reply, infer_request, read_outputs, ready_request, reason
from clients.values import Query


def test_pictures_travel_as_they_are() -> None:
    photo = b"\xff\xd8" + bytes(1000)
    request = infer_request(messages.search([Query(image=photo)]))
    assert (request.method, request.path) == ("POST", "/v2/models/search_image/infer")
    head = int(request.headers[HEADER_LENGTH])
    assert photo in request.body[head:]
    assert len(request.body) < head + len(photo) + 16


def test_a_model_name_is_quoted() -> None:
    assert ready_request("a b").path == "/v2/models/a%20b/ready"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error": "TEXT: empty"}', "TEXT: empty"),
        (b"<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
        (b'["error"]', '["error"]'),
        (b"", ""),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_reason_is_found_in_any_body(body: bytes, told: str) -> None:
    assert reason(body) == told


def test_a_failed_reply_is_raised() -> None:
    with pytest.raises(BadInput, match=r"^TEXT: empty$"):
        read_outputs(Reply(400, None, b'{"error": "in ensemble \'search\', TEXT: empty"}'))
    with pytest.raises(Unavailable, match="status 503"):
        read_outputs(Reply(503, None, b""))
