from __future__ import annotations

import importlib
from typing import Any

import pytest

from deploy.command import PROJECT_ROOT
from deploy.container import reading
from tests.deploy.chart.rendering import KUBERNETES, check

KSERVE = PROJECT_ROOT / "deploy" / "kserve"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = importlib.import_module("yaml").safe_load((KSERVE / name).read_text())
    return found


@pytest.mark.parametrize("name", ["runtime.yaml", "service.yaml"])
def test_only_fields_that_kserve_knows_are_set(name: str) -> None:
    check([read(name)])


def test_the_container_is_one_that_kubernetes_takes() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="`pip install kubernetes-validate`")
    spec = read("runtime.yaml")["spec"]
    predictor = read("service.yaml")["spec"]["predictor"]
    merged = {**spec["containers"][0], "env": [*spec["containers"][0]["env"], *predictor["model"]["env"]]}
    pod = {"containers": [merged], "volumes": spec["volumes"]}
    pod |= {name: predictor[name] for name in ("automountServiceAccountToken", "terminationGracePeriodSeconds")}
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "predictor"}, "spec": pod}
    validate.validate(whole, KUBERNETES, strict=True)


def test_the_service_asks_for_the_runtime_and_the_container_reads_what_it_is_told() -> None:
    runtime, service = read("runtime.yaml"), read("service.yaml")
    model = service["spec"]["predictor"]["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["modelFormat"]["name"] in {entry["name"] for entry in runtime["spec"]["supportedModelFormats"]}
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
    container = runtime["spec"]["containers"][0]
    known = {value for name, value in vars(reading).items() if name.isupper() and isinstance(value, str)}
    assert {entry["name"] for entry in [*container["env"], *model["env"]]} <= known
    volumes = {volume["name"] for volume in runtime["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
