from __future__ import annotations

from pathlib import Path

import pytest

from deploy.container.reading import read_settings
from deploy.errors import CannotStart


def test_defaults_listen_on_loopback_and_serve_the_live_release() -> None:
    settings = read_settings({})
    assert (settings.endpoints.host, settings.http_host) == ("127.0.0.1", "127.0.0.1")
    assert settings.store == Path("/store")
    assert settings.release is None
    assert settings.verify
    assert settings.secret is None
    assert settings.catalogue is None


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert read_settings({"TANDEM_RELEASE": "", "TANDEM_SECRET_FILE": "", "TANDEM_OTLP_URL": ""}).release is None


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    short = tmp_path / "secret"
    short.write_text("too-short")
    wrong = {
        "TANDEM_RELEASE": "seven",
        "TANDEM_VERIFY": "yes",
        "TANDEM_HOST": "everywhere",
        "TANDEM_GRPC_PORT": "70000",
        "TANDEM_HTTP_PORT": "8002",
        "TANDEM_SECRET_FILE": str(short),
        "TANDEM_TLS": str(tmp_path),
        "TANDEM_ENGINE": "fast",
        "TANDEM_OTLP_URL": "collector:4318",
        "TANDEM_DRAIN_S": "-1",
    }
    with pytest.raises(CannotStart) as caught:
        read_settings(wrong)
    told = str(caught.value)
    for variable in wrong:
        assert variable in told
    assert "tls.crt does not exist" in told
    assert "too-short" not in told


def test_with_tls_http_stays_inside(tmp_path: Path) -> None:
    for name in ("tls.crt", "tls.key", "ca.crt"):
        (tmp_path / name).write_text("pem")
    everywhere = "0.0.0.0"  # noqa: S104 -- nothing is bound here
    settings = read_settings({"TANDEM_HOST": everywhere, "TANDEM_TLS": str(tmp_path), "TANDEM_TLS_CLIENTS": "true"})
    assert settings.endpoints.host == everywhere
    assert settings.http_host == "127.0.0.1"
    assert settings.tls is not None
    assert settings.tls.client_ca == tmp_path / "ca.crt"


def test_a_secret_is_read_from_its_file_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("a" * 40 + "\n")
    settings = read_settings({"TANDEM_SECRET_FILE": str(path)})
    assert settings.secret is not None
    assert settings.secret.value == "a" * 40
    assert "a" * 40 not in repr(settings)
