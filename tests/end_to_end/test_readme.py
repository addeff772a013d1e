"""What the README shows works as it stands, against the served sample."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.server import Server
from export.towers_file import TowersFile

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


def commands() -> list[list[str]]:
    """Every ``python -m ...`` of the README, without its comment."""
    lines = [line for text in blocks("") for line in text.splitlines() if line.startswith("python -m ")]
    return [shlex.split(line, comments=True)[2:] for line in lines]


def test_the_python_block_runs(server: Server, sample: Path, tmp_path: Path) -> None:
    (code,) = blocks("python")
    photo = next((sample / "photos").glob("*.jpg"))
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    code = code.replace("grpc://localhost:8001", server.grpc_url)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 10


@pytest.mark.parametrize("command", [line for line in commands() if line[:2] == ["clients", "search"]], ids=shlex.join)
def test_the_searches_run(server: Server, sample: Path, tmp_path: Path, command: list[str]) -> None:
    photo = next((sample / "photos").glob("*.jpg"))
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    run = [sys.executable, "-m", *command, "--url", server.grpc_url]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "release 1" in done.stdout


@pytest.mark.parametrize("command", [line for line in commands() if line[:2] != ["clients", "search"]], ids=shlex.join)
def test_the_other_commands_have_these_options(command: list[str]) -> None:
    run = [sys.executable, "-m", *command[:2], "--help"]
    shown = subprocess.run(run, capture_output=True, text=True, check=True, env={"COLUMNS": "200"}).stdout
    assert all(word in shown for word in command if word.startswith("--"))


@pytest.mark.parametrize("text", blocks("toml"), ids=["towers", "recommend"])
def test_the_towers_file_has_the_right_keys(text: str) -> None:
    content = tomllib.loads(text)
    for table, values in content.items():
        field = TowersFile.model_fields[table]
        known = getattr(field.annotation, "model_fields", None)
        assert known is None or set(values) <= set(known), table


def test_the_two_commands_and_the_rooms_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
