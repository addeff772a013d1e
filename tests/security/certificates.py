"""Certificates made on the spot, by the ``openssl`` command."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the command `openssl` is not installed")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    cert: Path
    key: Path


def make_authority(folder: Path, name: str) -> Pair:
    """An authority, which signs others."""
    return _request(folder, name, "basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,cRLSign")


def issue(authority: Pair, folder: Path, name: str, hosts: str = "") -> Pair:
    """A certificate signed by ``authority``; ``hosts`` such as ``DNS:shop.example,IP:127.0.0.1``."""
    extensions = ["basicConstraints=CA:FALSE", *([f"subjectAltName={hosts}"] if hosts else [])]
    signed = ["-CA", str(authority.cert), "-CAkey", str(authority.key)]
    return _request(folder, name, *extensions, arguments=signed)


def expired(folder: Path) -> Pair:
    """A certificate of yesterday, signed by itself."""
    pair = _request(folder, "late", "subjectAltName=DNS:shop.example")
    command = ["openssl", "x509", "-in", str(pair.cert), "-signkey", str(pair.key), "-days", "-1"]
    subprocess.run([*command, "-out", str(pair.cert)], check=True, capture_output=True)
    return pair


def _request(folder: Path, name: str, *extensions: str, arguments: list[str] | None = None) -> Pair:
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={name}", "-days", "2", "-keyout", str(pair.key), "-out", str(pair.cert)]
    command += [part for extension in extensions for part in ("-addext", extension)]
    subprocess.run([*command, *(arguments or [])], check=True, capture_output=True)
    return pair
