from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.chart.rendering import refusal
from tests.deploy.chart.test_rendered import CANARY, GATEWAY

SIX, SEVEN = {"number": 6}, {"number": 7}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replcas": 3}, "replcas"),
        ({"live": 0}, "live"),
        ({"live": "seven"}, "live"),
        ({"releases": []}, "releases"),
        ({"releases": [{"number": 1, "canary": 100}]}, "canary"),
        ({"image": {"digest": "sha256:abc"}}, "digest"),
        ({"shm": {"size": "lots"}}, "size"),
        ({"service": {"ports": {"http": 80_000, "grpc": 1, "metrics": 2}}}, "http"),
        ({"engine": {"name": "fast"}}, "engine.name"),
        ({"tracing": {"url": "otel:4318"}}, "tracing.url"),
        ({"times": {"drainSeconds": 0}}, "drainSeconds"),
        ({"podDisruptionBudget": {"maxUnavailable": "half"}}, "maxUnavailable"),
        ({"networkPolicy": {"enabled": "no"}}, "networkPolicy.enabled"),
    ],
)
def test_the_schema_refuses_mistakes_and_names_them(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    message = refusal(values, folder=tmp_path)
    assert "values don't meet the specifications of the schema" in message
    assert told in message


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"live": 7, "releases": [SIX]}, "release 7 is not listed in `releases` (6)"),
        ({"live": 6, "releases": [SIX, SIX]}, "number 6 is listed twice"),
        ({"live": 6, "releases": [{**SIX, "canary": 10}], **GATEWAY}, "6 is live, so it cannot be a canary"),
        (CANARY, "canary.mode: gateway needs gateway.enabled"),
        (
            {
                "live": 6,
                "releases": [SIX, {**SEVEN, "canary": 60}, {"number": 8, "canary": 40}],
                **GATEWAY,
            },
            "canaries take 100%",
        ),
        ({**CANARY, "canary": {"mode": "replicas"}, "autoscaling": {"enabled": True}}, "autoscaling.enabled=false"),
        (
            {"live": 6, "releases": [SIX, {**SEVEN, "canary": 10}, {"number": 5}], "canary": {"mode": "replicas"}},
            "remove 5 from `releases`",
        ),
        ({"store": {"claim": ""}}, "give `claim`"),
        ({"store": {"copy": {"image": "x"}}}, "not both"),
        ({"tls": {"enabled": True}}, "tls.enabled needs tls.secretName"),
        ({"tls": {"proxy": {"enabled": True}}}, "tls.proxy.enabled needs tls.enabled"),
        ({"tls": {"enabled": True, "secretName": "t"}, **GATEWAY}, "tls.proxy.enabled"),
        ({"gateway": {"enabled": True}}, "gateway.parentRefs"),
        ({"autoscaling": {"enabled": True, "queueMilliseconds": 0}}, "must be above 0"),
        ({"autoscaling": {"enabled": True, "minReplicas": 20}}, "minReplicas is above maxReplicas"),
        ({"engine": {"name": "milvus"}}, "engine.milvus"),
        ({"times": {"settleSeconds": 60, "drainSeconds": 30}}, "settleSeconds is above drainSeconds"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_to_do(
    values: dict[str, Any], told: str, tmp_path: Path
) -> None:
    assert told in refusal(values, folder=tmp_path)
