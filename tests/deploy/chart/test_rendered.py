from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.container.leftovers import SHM
from tests.deploy.chart.rendering import CHART, check, container, helm, kinds, one, pod, render, variables

TWO = {"live": 6, "releases": [{"number": 6}, {"number": 7}]}
CANARY = {"live": 6, "releases": [{"number": 6, "replicas": 9}, {"number": 7, "replicas": 1, "canary": 10}]}
GATEWAY = {
    "gateway": {"enabled": True, "parentRefs": [{"name": "edge", "namespace": "infra"}], "hostnames": ["a.shop"]}
}
GPU = {"gpu": {"count": 1}, "autoscaling": {"enabled": True, "gpuPercent": 80, "maxReplicas": 4}}
ISSUER = {"enabled": True, "issuerRef": {"name": "shop-ca"}, "dnsNames": ["search.example.com"]}
TLS = {"tls": {"enabled": True, "clients": True, "certManager": ISSUER, "proxy": {"enabled": True}}}
COPY = {"store": {"claim": "", "copy": {"image": "rclone/rclone:1.70", "args": ["copy", "shop:store", "/store"]}}}
WATCHED = {"monitoring": {"serviceMonitor": {"enabled": True}, "rules": {"enabled": True}}}
SECRETS = {
    "catalogue": {"existingSecret": "db"},
    "restrictedApi": {"existingSecret": "operators"},
    "tracing": {"url": "http://otel:4318/v1/traces"},
    "engine": {"name": "milvus", "milvus": "http://milvus:19530", "existingSecret": "milvus"},
}
CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "two releases": TWO,
    "canary by routes": {**CANARY, **GATEWAY},
    "canary by replicas": {**CANARY, "canary": {"mode": "replicas"}},
    "gpu": GPU,
    "tls": TLS,
    "tls behind a gateway": {**TLS, **GATEWAY},
    "copied store": COPY,
    "no network policy": {"networkPolicy": {"enabled": False}},
    "watched": WATCHED,
    "secrets": SECRETS,
    "all": {**CANARY, **GATEWAY, **GPU, **TLS, **COPY, **WATCHED, **SECRETS},
}


@pytest.mark.parametrize("values", CASES.values(), ids=list(CASES))
def test_kubernetes_takes_what_is_rendered(values: dict[str, Any], tmp_path: Path) -> None:
    check(render(values, folder=tmp_path))


def test_a_field_that_kubernetes_does_not_know_would_be_found(tmp_path: Path) -> None:
    for kind in ("Deployment", "NetworkPolicy", "ServiceMonitor"):
        found = one(render(WATCHED, folder=tmp_path), kind)
        with pytest.raises(Exception, match=r"[Aa]dditional properties"):
            check([{**found, "spec": {**found["spec"], "replcas": 3}}])


def test_helm_finds_nothing_to_complain_about() -> None:
    result = helm("lint", "--strict", str(CHART))
    assert result.returncode == 0, result.stdout
    assert "0 chart(s) failed" in result.stdout


def test_by_default_there_is_what_a_production_server_needs_and_no_operator_s_resources(tmp_path: Path) -> None:
    assert kinds(render(folder=tmp_path)) == [
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]


def test_a_switch_changes_the_selector_of_one_service_and_nothing_else(tmp_path: Path) -> None:
    before, after = render(TWO, folder=tmp_path), render({**TWO, "live": 7}, folder=tmp_path)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [(old["kind"], old["metadata"]["name"]) for old, _ in changed] == [("Service", "tandem")]
    old, new = changed[0]
    assert old["spec"]["selector"].pop("tandem/release") == "6"
    assert new["spec"]["selector"].pop("tandem/release") == "7"
    assert old == new


def test_a_release_that_is_added_restarts_no_pod_of_the_other(tmp_path: Path) -> None:
    alone = one(render({"live": 6, "releases": [{"number": 6}]}, folder=tmp_path), "Deployment", "tandem-r6")
    assert one(render(TWO, folder=tmp_path), "Deployment", "tandem-r6") == alone


def test_an_old_release_keeps_its_image(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    releases = [{"number": 6, "image": {"digest": digest}}, {"number": 7}]
    objects = render({**TWO, "releases": releases, "image": {"tag": "0.2.0-cpu"}}, folder=tmp_path)
    assert container(one(objects, "Deployment", "tandem-r6"))["image"] == f"tandem@{digest}"
    assert container(one(objects, "Deployment", "tandem-r7"))["image"] == "tandem:0.2.0-cpu"


def test_each_deployment_serves_its_release_and_is_selected_by_nothing_else(tmp_path: Path) -> None:
    objects = render(TWO, folder=tmp_path)
    for number in ("6", "7"):
        deployment = one(objects, "Deployment", f"tandem-r{number}")
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert variables(deployment)["TANDEM_RELEASE"] == labels["tandem/release"] == number
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        service = one(objects, "Service", f"tandem-r{number}")
        assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_a_canary_gets_its_share_of_the_routes(kind: str, tmp_path: Path) -> None:
    route = one(render({**CANARY, **GATEWAY}, folder=tmp_path), kind)
    backends = route["spec"]["rules"][0]["backendRefs"]
    assert {backend["name"]: backend["weight"] for backend in backends} == {"tandem-r6": 90, "tandem-r7": 10}


def test_routes_lead_to_inference_alone(tmp_path: Path) -> None:
    objects = render({**CANARY, **GATEWAY}, folder=tmp_path)
    paths = [match["path"]["value"] for match in one(objects, "HTTPRoute")["spec"]["rules"][0]["matches"]]
    assert paths == ["/v2/models/[A-Za-z0-9_]+/infer", "/v2/health/ready"]
    methods = {match["method"]["method"] for match in one(objects, "GRPCRoute")["spec"]["rules"][0]["matches"]}
    assert methods == {"ModelInfer", "ModelMetadata", "ModelReady", "ServerReady", "ServerLive"}


def test_a_canary_by_replicas_shares_the_public_service(tmp_path: Path) -> None:
    objects = render({**CANARY, "canary": {"mode": "replicas"}}, folder=tmp_path)
    selector = one(objects, "Service", "tandem")["spec"]["selector"]
    assert "tandem/release" not in selector
    replicas = {o["metadata"]["name"]: o["spec"]["replicas"] for o in objects if o["kind"] == "Deployment"}
    assert replicas == {"tandem-r6": 9, "tandem-r7": 1}


@pytest.mark.parametrize("values", CASES.values(), ids=list(CASES))
def test_every_container_is_confined(values: dict[str, Any], tmp_path: Path) -> None:
    for deployment in (o for o in render(values, folder=tmp_path) if o["kind"] == "Deployment"):
        spec = pod(deployment)
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for found in [*spec["containers"], *spec.get("initContainers", [])]:
            assert found["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert found["resources"]["limits"]["memory"]


@pytest.mark.parametrize("values", CASES.values(), ids=list(CASES))
def test_every_mount_has_its_volume_and_every_named_port_its_container(values: dict[str, Any], tmp_path: Path) -> None:
    objects = render(values, folder=tmp_path)
    for deployment in (o for o in objects if o["kind"] == "Deployment"):
        spec = pod(deployment)
        containers = [*spec["containers"], *spec.get("initContainers", [])]
        mounted = {mount["name"] for found in containers for mount in found["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}
        ports = {port["name"] for found in spec["containers"] for port in found["ports"]}
        services = [o for o in objects if o["kind"] == "Service"]
        assert {port["targetPort"] for service in services for port in service["spec"]["ports"]} <= ports
        for policy in (o for o in objects if o["kind"] == "NetworkPolicy"):
            assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} <= ports


def test_the_store_cannot_be_written_and_shared_memory_is_sized(tmp_path: Path) -> None:
    deployment = one(render({"shm": {"size": "3Gi"}}, folder=tmp_path), "Deployment")
    volumes = {volume["name"]: volume for volume in pod(deployment)["volumes"]}
    assert volumes["store"]["persistentVolumeClaim"] == {"claimName": "tandem-store", "readOnly": True}
    assert volumes["shm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "3Gi"}
    mounts = {mount["name"]: mount for mount in container(deployment)["volumeMounts"]}
    assert mounts["store"]["readOnly"] is True
    assert mounts["shm"]["mountPath"] == str(SHM)


def test_probes_ask_process_1_and_there_is_time_to_start_and_to_drain(tmp_path: Path) -> None:
    times = {"startSeconds": 900, "drainSeconds": 60, "exitSeconds": 20}
    deployment = one(render({"times": times}, folder=tmp_path), "Deployment")
    serving = container(deployment)
    assert serving["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "health"}
    assert serving["livenessProbe"]["httpGet"] == {"path": "/live", "port": "health"}
    startup = serving["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 900
    assert pod(deployment)["terminationGracePeriodSeconds"] >= 60 + 20


def test_with_tls_plain_http_is_not_reachable(tmp_path: Path) -> None:
    objects = render(TLS, folder=tmp_path)
    deployment = one(objects, "Deployment")
    assert "http" not in {port["name"] for port in container(deployment)["ports"]}
    assert [port["name"] for port in one(objects, "Service", "tandem")["spec"]["ports"]] == ["grpc", "https"]
    assert variables(deployment)["TANDEM_TLS"] == "/etc/tandem/tls"
    names = one(objects, "Certificate")["spec"]["dnsNames"]
    assert {"tandem.shop.svc", "tandem-r1.shop.svc", "search.example.com"} <= set(names)


def test_a_gpu_is_asked_for_and_scaled_by(tmp_path: Path) -> None:
    objects = render(GPU, folder=tmp_path)
    serving = container(one(objects, "Deployment"))
    assert serving["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert serving["image"].endswith("-gpu")
    assert "replicas" not in one(objects, "Deployment")["spec"]
    metrics = one(objects, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert [metric["pods"]["metric"]["name"] for metric in metrics] == [
        "tandem_queue_milliseconds",
        "tandem_gpu_percent",
    ]


def test_prometheus_asks_triton_and_process_1(tmp_path: Path) -> None:
    objects = render(WATCHED, folder=tmp_path)
    monitor = one(objects, "ServiceMonitor")["spec"]
    assert [endpoint["port"] for endpoint in monitor["endpoints"]] == ["metrics", "health"]
    scraped = [o for o in objects if o["kind"] == "Service" and matches(monitor["selector"]["matchLabels"], o)]
    assert [service["metadata"]["name"] for service in scraped] == ["tandem-r1"]
    assert {"metrics", "health"} <= {port["name"] for port in scraped[0]["spec"]["ports"]}
    alerts = [rule for group in one(objects, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    assert any(rule.get("alert") == "TandemDown" for rule in alerts)


def matches(labels: dict[str, str], found: dict[str, Any]) -> bool:
    found_labels: dict[str, str] = found["metadata"]["labels"]
    return labels.items() <= found_labels.items()


def test_the_network_is_closed_but_for_what_is_used(tmp_path: Path) -> None:
    alone = one(render(folder=tmp_path), "NetworkPolicy")["spec"]
    assert [port["port"] for rule in alone["egress"] for port in rule["ports"]] == [53, 53]
    used = one(render(SECRETS, folder=tmp_path), "NetworkPolicy")["spec"]
    assert [port["port"] for rule in used["egress"] for port in rule["ports"]] == [53, 53, 5432, 4318, 19530]
    clients = alone["ingress"][0]
    assert clients["from"] == [{"podSelector": {"matchLabels": {"tandem/client": "true"}}}]
    assert all(rule["from"] for rule in alone["ingress"])


def test_secrets_are_named_and_never_rendered(tmp_path: Path) -> None:
    objects = render(SECRETS, folder=tmp_path)
    assert "Secret" not in kinds(objects)
    entries = {entry["name"]: entry for entry in container(one(objects, "Deployment"))["env"]}
    assert entries["TANDEM_CATALOGUE"]["valueFrom"]["secretKeyRef"] == {"name": "db", "key": "url"}
    assert "value" not in entries["TANDEM_MILVUS_TOKEN"]
