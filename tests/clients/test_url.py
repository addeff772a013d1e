from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import BadUrl
from clients.url import Address


@pytest.mark.parametrize(
    ("url", "scheme", "target"),
    [
        ("grpc://localhost:8001", "grpc", "localhost:8001"),
        ("http://127.0.0.1:8000/", "http", "127.0.0.1:8000"),
        ("GRPC://Shop.example:1", "grpc", "shop.example:1"),
        ("http://[::1]:8000", "http", "[::1]:8000"),
    ],
)
def test_an_address_is_read(url: str, scheme: str, target: str) -> None:
    address = Address.parse(url)
    assert (address.scheme, address.target) == (scheme, target)
    assert str(address) == f"{scheme}://{target}"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("localhost:8001", "the scheme is 'localhost'"),
        ("https://localhost:8000", "the scheme is 'https'"),
        ("", "the scheme is ''"),
        ("grpc://localhost", "no port"),
        ("grpc://localhost:0", "no port"),
        ("grpc://:8001", "no host"),
        ("grpc://two words:1", "no port"),
        ("grpc://localhost:99999", "Port out of range"),
        ("grpc://localhost:eighty", "Port could not be cast"),
        ("http://[::1:8000", "Invalid IPv6"),
        ("http://localhost:8000/v2", "takes no user, path"),
        ("http://me:secret@localhost:8000", "takes no user"),
        ("http://localhost:8000?x=1", "takes no user, path, query"),
    ],
)
def test_a_bad_address_tells_what_is_wrong_and_what_is_allowed(url: str, fault: str) -> None:
    with pytest.raises(BadUrl) as caught:
        Address.parse(url)
    assert fault in str(caught.value)
    assert "grpc://host:port or http://host:port" in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_bad_url(url: str) -> None:
    try:
        address = Address.parse(url)
    except BadUrl:
        return
    assert Address.parse(str(address)) == address


@given(
    st.sampled_from(["grpc", "http"]),
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,5})?", fullmatch=True),
    st.integers(1, 65535),
)
def test_every_plain_address_is_read(scheme: str, host: str, port: int) -> None:
    address = Address.parse(f"{scheme}://{host}:{port}")
    assert (address.scheme, address.host, address.port) == (scheme, host, port)
