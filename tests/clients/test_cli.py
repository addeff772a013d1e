from __future__ import annotations

import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from clients.cli import app
from deploy.options import Endpoints

NOWHERE = "grpc://127.0.0.1:9"
START = "start one with: python -m deploy serve"


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(
        app, [str(arg) for arg in args], env={"COLUMNS": "140", "TANDEM_URL": None, "TANDEM_IMAGES": None}
    )


def plain(text: str) -> str:
    """Without the boxes and the colours of a terminal."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", " ", text))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


def test_json_is_what_scripts_read(url: str) -> None:
    result = run("search", "--text", "red mug", "-k", "2", "--url", url, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert told["release"] == 7
    assert [(found["id"], found["score"], found["title"]) for found in told["results"]] == [
        ("p0", 1.0, "Product 0"),
        ("p1", 0.875, "Product 1"),
    ]


def test_a_table_is_what_people_read(url: str, photo: Path) -> None:
    result = run("search", "--image", photo, "-k", "2", "--url", url)
    assert result.exit_code == 0
    assert re.search(r"1 +1\.0000 +4\.50 +p0 +Product 0 +Kitchen/Mugs", result.stdout)
    assert re.search(r"2 +0\.8750 +5\.50 +p1 +Product 1 \(not available\) +Kitchen/Mugs", result.stdout)
    assert "release 7" in result.stdout


def test_text_and_photo_are_weighed_and_filtered(url: str, photo: Path) -> None:
    told = '{"eq": ["available", true]}'
    result = run(
        "search", "--text", "a", "--image", photo, "--weights=-0.5,1", "--filter", told, "--url", url, "--json"
    )
    attributes = json.loads(result.stdout)["results"][0]["attributes"]
    assert attributes["WEIGHTS"] == [-0.5, 1.0]
    assert {"TEXT", "IMAGE", "FILTER"} <= attributes.keys()


def test_a_business_score_is_sent_as_it_is(url: str) -> None:
    rank = "0.5 * similarity + log1p(popularity)"
    result = run("search", "--text", "a", "--rank", rank, "--url", url, "--json")
    attributes = json.loads(result.stdout)["results"][0]["attributes"]
    assert attributes["RANK"] == hashlib.sha256(rank.encode()).hexdigest()


def test_nothing_found_is_told(url: str) -> None:
    result = run("search", "--text", "few", "-k", "1", "--url", url)
    assert result.exit_code == 0
    assert "nothing found" in result.stdout


def test_a_sheet_is_written_beside_either_output(url: str, photo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    result = run("search", "--image", photo, "--url", url, "--sheet", sheet, "--images", tmp_path, "--json")
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["results"]) == 10
    assert result.stderr == f"wrote {sheet}\n"
    with Image.open(sheet) as drawn:
        assert drawn.width > 1000


def test_a_vector_is_printed(url: str, photo: Path) -> None:
    assert run("embed", "--text", "ab", "--url", url).stdout == "2.000000 3.000000 4.000000 5.000000\n"
    told = json.loads(run("embed", "--image", photo, "--url", url, "--json").stdout)
    assert told["dim"] == len(told["vector"]) == 4


def test_ready_says_so(endpoints: Endpoints) -> None:
    result = run("ready", "--url", endpoints.grpc_url)
    assert (result.exit_code, result.stdout) == (0, f"{endpoints.grpc_url} is ready\n")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["search"], 2, "TEXT and IMAGE: both missing; give a text, an image, or both"),
        (["search", "--text", "a", "--weights", "1"], 2, "--weights: '1'; allowed: two numbers, text and image"),
        (["search", "--text", "a", "--weights", "1,1"], 2, "WEIGHTS: given for one input"),
        (["search", "--text", "a", "--url", "localhost:8001"], 2, "allowed: grpc://host:port or http://host:port"),
        (["search", "--text", "a", "--timeout", "0"], 2, "timeout_s: 0.0; allowed"),
        (["search", "--image", "nowhere.jpg"], 2, "'nowhere.jpg' does not exist"),
        (["search", "--text", "a", "-k", "many"], 2, "Invalid value for '-k'"),
        (["search", "--text", "a", "--url", NOWHERE], 3, f"no server at {NOWHERE}: Connection refused {START}"),
        (["embed", "--url", NOWHERE], 2, "--text and --image: give one of the two"),
        (["ready", "--url", NOWHERE], 3, f"{NOWHERE} is not ready {START}"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_do(args: list[str], code: int, message: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in plain(result.stderr)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("refuse", 2, "error: TEXT: refused; give something else\n"),
        ("raise", 1, "look into the server's log"),
        ("fail NOT_FOUND", 3, "this server has no Tandem release"),
        ("sleep 0.6", 3, "within 0.3 s\nallow more time with --timeout SECONDS"),
    ],
)
def test_a_failure_of_the_server_is_told(url: str, text: str, code: int, message: str) -> None:
    result = run("search", "--text", text, "--url", url, "--timeout", "0.3")
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_a_sheet_that_cannot_be_written_is_the_caller_s_mistake(url: str, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "sheet.png", tmp_path / "sheet.xyz"):
        result = run("search", "--text", "a", "--url", url, "--sheet", path)
        assert result.exit_code == 2
        assert f"--sheet: cannot write '{path}'" in result.stderr


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_ctrl_c_ends_it_quietly(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        command = [sys.executable, "-m", "clients", "search", "--text", "a", "--url", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            connection, _ = server.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (130, b"", b"")


def test_help_names_every_option() -> None:
    told = plain(run("search", "--help").stdout)
    for option in (
        "--text",
        "--image",
        "--weights",
        "-k",
        "--filter",
        "--rank",
        "--url",
        "--timeout",
        "--json",
        "--sheet",
        "--images",
    ):
        assert option in told
