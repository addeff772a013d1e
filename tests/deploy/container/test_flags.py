from __future__ import annotations

from pathlib import Path

import pytest

from deploy.container.flags import FLAGS, LATER, command, models_environment, region_prefix, server_flags
from deploy.container.triton import InstalledTriton, find_triton, warning
from deploy.embedded import find_root
from deploy.errors import CannotStart, MissingServer
from deploy.store import Release
from tests.deploy.container.conftest import Make

LIBRARIES = {"LD_LIBRARY_PATH": str(find_root().parents[1] / "nvidia_pytriton.libs")}
MODELS = Path("/view/models")


@pytest.fixture(scope="module")
def embedded() -> InstalledTriton:
    return find_triton(str(find_root() / "bin" / "tritonserver"), LIBRARIES)


def test_no_model_is_loaded_later_and_what_is_dangerous_is_closed(settings: Make, release: Release) -> None:
    flags = server_flags(settings(), release, MODELS)
    assert "--model-control-mode=none" in flags
    assert "--strict-readiness=true" in flags
    assert "--allow-client-shm=false" in flags
    assert f"--http-max-input-size={16 << 20}" in flags
    for kind in ("http-restricted-api", "grpc-restricted-protocol"):
        closed = next(flag for flag in flags if flag.startswith(f"--{kind}="))
        assert closed.endswith("model-repository,shared-memory,trace,logging:tandem-control=<secret>")


def test_flags_of_the_release_are_taken_over(settings: Make, release: Release) -> None:
    ours = ["--disable-auto-complete-config", "--cuda-memory-pool-byte-size=0:67108864"]
    (release.folder / FLAGS).write_text("\n".join(ours) + "\n")
    flags = server_flags(settings(), release, MODELS)
    assert [flag for flag in flags if flag in ours] == ours
    (release.folder / FLAGS).write_text("rm -rf /\n")
    with pytest.raises(CannotStart, match="'rm -rf /' is no flag"):
        server_flags(settings(), release, MODELS)


def test_connections_come_of_age_unless_they_may_live_for_ever(settings: Make, release: Release) -> None:
    flags = server_flags(settings(TANDEM_CONNECTION_AGE_S="20"), release, MODELS)
    assert "--grpc-max-connection-age=20000" in flags
    flags = server_flags(settings(TANDEM_CONNECTION_AGE_S="0"), release, MODELS)
    assert not any("connection-age" in flag for flag in flags)


def test_traces_go_where_they_are_asked_to(settings: Make, release: Release) -> None:
    assert not any("trace-config" in flag for flag in server_flags(settings(), release, MODELS))
    asked = settings(TANDEM_OTLP_URL="http://otel:4318/v1/traces", TANDEM_TRACE_EVERY="0")
    flags = server_flags(asked, release, MODELS)
    assert "--trace-config=opentelemetry,url=http://otel:4318/v1/traces" in flags
    assert "--trace-config=rate=0" in flags


def test_the_bundled_server_knows_all_but_the_later_flags(
    settings: Make, release: Release, embedded: InstalledTriton
) -> None:
    flags = server_flags(settings(TANDEM_OTLP_URL="http://otel:4318/v1/traces"), release, MODELS)
    words, left_out = command(embedded, flags)
    assert [flag.split("=")[0] for flag in left_out] == [f"--{name}" for name in LATER]
    assert words[0].endswith("bin/tritonserver")
    assert not set(left_out) & set(words)


def test_a_flag_that_is_needed_and_unknown_is_refused(settings: Make, release: Release) -> None:
    odd = InstalledTriton(Path("/t"), frozenset({"model-repository"}))
    with pytest.raises(CannotStart, match="--model-control-mode=none"):
        command(odd, server_flags(settings(), release, MODELS))


def test_a_program_that_is_no_triton_is_refused() -> None:
    with pytest.raises(MissingServer, match="no Triton at /nowhere"):
        find_triton("/nowhere", {})
    with pytest.raises(MissingServer, match="names no flags"):
        find_triton("/bin/true", {})


@pytest.mark.parametrize(("version", "told"), [("26.06", "known vulnerabilities"), ("", "not the official image")])
def test_a_server_with_known_vulnerabilities_is_told(version: str, told: str) -> None:
    assert told in str(warning({"NVIDIA_TRITON_SERVER_VERSION": version}))


@pytest.mark.parametrize("version", ["26.07", "26.10", "27.01"])
def test_a_server_without_is_not(version: str) -> None:
    assert warning({"NVIDIA_TRITON_SERVER_VERSION": version}) is None


def test_models_are_told_of_the_catalogue_and_where_they_may_write(settings: Make) -> None:
    plain = models_environment(settings(), {"TANDEM_CATALOGUE": "sqlite:////mine", "HOME": "/h"})
    assert "TANDEM_CATALOGUE" not in plain
    assert plain["HOME"] == "/h"
    asked = settings(TANDEM_CATALOGUE="postgresql+psycopg://db/shop", TANDEM_CACHE_FOLDER="/c")
    told = models_environment(asked, {})
    assert told["TANDEM_CATALOGUE"] == "postgresql+psycopg://db/shop"
    assert told["TANDEM_SNAPSHOTS"] == str(asked.store / "snapshots")
    assert (told["TANDEM_CACHE"], told["TRITON_CACHE_DIR"]) == ("/c", "/c/kernels")


def test_names_of_containers_do_not_run_into_each_other() -> None:
    assert region_prefix("tandem-r7-abc.x") == "tandem_tandem_r7_abc_x_"
    assert not region_prefix("pod-10").startswith(region_prefix("pod-1"))
