"""Schemas of resources that are not of Kubernetes itself, as far as they are used here, and closed: a field that is not
listed is refused. Written from the reference documentation of each project; whether they say the same as the projects'
own definitions was compared by hand (deploy/chart/tandem/README.md)."""

from __future__ import annotations

from typing import Any

import pytest

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
TEXTS: Schema = {"type": "array", "items": TEXT, "minItems": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {}
LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION: Schema = {"type": "string", "pattern": "^([0-9]+(ms|[smhdwy]))+$"}


def some(**fields: Schema) -> Schema:
    """An object of these fields, none of them needed."""
    return {"type": "object", "additionalProperties": False, "properties": fields}


def every(**fields: Schema) -> Schema:
    """An object of these fields, all of them needed."""
    return some(**fields) | {"required": list(fields)}


def many(item: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": item, "minItems": least}


def choice(*values: str) -> Schema:
    return {"enum": list(values)}


PARENT = some(name=TEXT, namespace=TEXT, sectionName=TEXT) | {"required": ["name"]}
BACKEND = every(name=TEXT, port=COUNT, weight={"type": "integer", "minimum": 0, "maximum": 1_000_000})
PATH = every(type=choice("Exact", "PathPrefix", "RegularExpression"), value=TEXT)
METHOD = every(type=choice("Exact", "RegularExpression"), service=TEXT, method=TEXT)


def route(match: Schema) -> Schema:
    rule = every(matches=many(match), backendRefs=many(BACKEND))
    return some(parentRefs=many(PARENT), hostnames=TEXTS, rules=many(rule)) | {"required": ["parentRefs", "rules"]}


RULE = {
    "oneOf": [
        every(record=TEXT, expr=TEXT),
        some(alert=TEXT, expr=TEXT, labels=LABELS, annotations=LABELS) | {"required": ["alert", "expr"]},
        some(**{"alert": TEXT, "expr": TEXT, "for": DURATION, "labels": LABELS, "annotations": LABELS})
        | {"required": ["alert", "expr", "for"]},
    ]
}
ENDPOINT = every(port=TEXT, path=TEXT, interval=DURATION, relabelings=many(every(sourceLabels=TEXTS, targetLabel=TEXT)))
ISSUER = some(name=TEXT, kind=choice("Issuer", "ClusterIssuer"), group=TEXT) | {"required": ["name"]}
KEY = every(algorithm=choice("ECDSA", "RSA", "Ed25519"), size=COUNT, rotationPolicy=choice("Always", "Never"))
USAGES = many(choice("digital signature", "key encipherment", "server auth", "client auth"))
FORMAT = some(name=TEXT, version=TEXT, autoSelect=FLAG, priority=COUNT) | {"required": ["name"]}
MODEL = some(modelFormat=FORMAT, runtime=TEXT, protocolVersion=TEXT, storageUri=TEXT, env=ANY, resources=ANY)
PREDICTOR = some(
    minReplicas=COUNT,
    maxReplicas=COUNT,
    automountServiceAccountToken=FLAG,
    terminationGracePeriodSeconds=COUNT,
    deploymentStrategy=ANY,
    model=MODEL | {"required": ["modelFormat"]},
)

SPECS: dict[tuple[str, str], Schema] = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): route(every(method=choice("GET", "POST"), path=PATH)),
    ("gateway.networking.k8s.io/v1", "GRPCRoute"): route(every(method=METHOD)),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): every(selector=every(matchLabels=LABELS), endpoints=many(ENDPOINT)),
    ("monitoring.coreos.com/v1", "PrometheusRule"): every(groups=many(every(name=TEXT, rules=many(RULE)))),
    ("cert-manager.io/v1", "Certificate"): every(
        secretName=TEXT, issuerRef=ISSUER, privateKey=KEY, usages=USAGES, dnsNames=TEXTS
    ),
    ("serving.kserve.io/v1beta1", "InferenceService"): every(predictor=PREDICTOR),
    ("serving.kserve.io/v1alpha1", "ClusterServingRuntime"): every(
        supportedModelFormats=many(FORMAT), protocolVersions=TEXTS, containers=many(ANY), volumes=many(ANY)
    ),
}


def check_resource(found: dict[str, Any]) -> bool:
    """Whether an object is one of these; then it is held against its schema."""
    spec = SPECS.get((found["apiVersion"], found["kind"]))
    if spec is None:
        return False
    jsonschema = pytest.importorskip("jsonschema", reason="`pip install jsonschema`")
    whole = every(apiVersion=TEXT, kind=TEXT, metadata=ANY, spec=spec)
    jsonschema.Draft202012Validator(whole).validate(found)
    return True
