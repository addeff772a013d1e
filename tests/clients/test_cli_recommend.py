from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.clients.conftest import Scripted
from tests.clients.test_canary import INSIDE, OUTSIDE, PUBLIC, TRIAL, trial
from tests.clients.test_cli import NOWHERE, START, photo, plain, run

__all__ = ["photo", "trial"]


def test_a_table_tells_the_rule_of_each_product_and_the_reason(url: str) -> None:
    result = run("recommend", "--task", "complement", "--product", "M1", "-k", "2", "--url", url)
    assert result.exit_code == 0
    assert re.search(r"1 +0\.5000 +4\.50 +r0 +Product r0 +Kitchen/Teas +complement:Kitchen/Teas", result.stdout)
    few = run("recommend", "--product", "few", "-k", "2", "--url", url)
    assert "no other product passes the filter\nrelease 7, journal 1099511627776" in re.sub(" +\n", "\n", few.stdout)
    assert "nothing found" in run("recommend", "--product", "empty", "--url", url).stdout


def test_every_option_is_sent(url: str, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("product,time,weight\nM1,30,1\nM2,20,-0.5\n")
    result = run(
        "recommend", "--task", "inspire", "--history", tmp_path / "history.csv", "--seen", "s1", "--seen", "s2",
        "--category", "Kitchen/Teas", "--filter", '{"eq": ["available", true]}', "--nearest", "4", "--skip", "2",
        "--diversity", "0.25", "--per-category", "3", "--per-brand", "1", "--min-seq", "9", "-k", "1", "--url", url,
        "--json",
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert (told["release"], told["reason"], [hit["rule"] for hit in told["hits"]]) == (7, "", ["inspire:17"])
    assert told["hits"][0]["attributes"] == {
        "PRODUCT_ID": ["M1", "M2"], "WEIGHTS": [1, -0.5], "TIMES": [30, 20], "SEEN": ["s1", "s2"], "TASK": ["inspire"],
        "CATEGORY": ["Kitchen/Teas"], "FILTER": ['{"eq": ["available", true]}'], "NEAREST": [4], "SKIP": [2],
        "DIVERSITY": [0.25], "PER_CATEGORY": [3], "PER_BRAND": [1], "MIN_SEQ": [9], "K": [1],
    }  # fmt: skip


def test_products_may_have_weights(url: str) -> None:
    products = ("--product", "M1", "--product", "M2:0.5", "--product", "M3:-1")
    told = json.loads(run("recommend", *products, "--url", url, "--json").stdout)["hits"][0]["attributes"]
    assert (told["PRODUCT_ID"], told["WEIGHTS"]) == (["M1", "M2", "M3"], [1, 0.5, -1])


def test_a_new_product_is_asked_about_with_its_picture_and_drawn(url: str, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text('{"title": "Red mug", "price": 9.5}')
    words = ("--new", tmp_path / "new.json", "--image", photo, "--sheet", tmp_path / "sheet.png")
    result = run("recommend", *words, "--url", url, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)["hits"][0]["attributes"]
    assert json.loads(told["PRODUCT"][0]) == {"title": "Red mug", "price": 9.5}
    assert told["IMAGE"] == [photo.read_bytes().decode("latin-1")]
    with Image.open(tmp_path / "sheet.png") as drawn:
        assert drawn.width > 1000


def test_the_products_of_the_question_are_looked_up_for_the_sheet(url: str, tmp_path: Path) -> None:
    words = ("--product", "p0", "--product", "elsewhere:-1", "--sheet", tmp_path / "sheet.png", "--images", tmp_path)
    result = run("recommend", *words, "--url", url)
    assert (result.exit_code, result.stderr) == (0, f"wrote {tmp_path / 'sheet.png'}\n")
    assert (tmp_path / "sheet.png").stat().st_size > 0


def test_a_key_or_an_option_asks_the_release_on_trial(url: str, trial: Scripted) -> None:
    for words, expected in ((("--key", INSIDE), TRIAL), (("--key", OUTSIDE), PUBLIC), (("--canary",), TRIAL)):
        result = run("recommend", "--product", "M1", "--url", url, "--json", *words)
        assert json.loads(result.stdout)["release"] == expected


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--product", ":3"], 2, "--product: ':3'; allowed: ID or ID:WEIGHT"),
        (["--product", "a", "--history", "h.csv"], 2, "--product and --history: give one of the two"),
        (["--history", "nowhere.csv"], 2, "--history: cannot read 'nowhere.csv'"),
        (["--new", "nowhere.json"], 2, "--new: cannot read 'nowhere.json'"),
        (["--product", "a", "--new", __file__], 2, "--new: not JSON"),
        (["--nearest", "many"], 2, "Invalid value for '--nearest'"),
        (["--product", "a", "--url", NOWHERE], 3, f"no server at {NOWHERE}: Connection refused {START}"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_do(args: list[str], code: int, message: str) -> None:
    result = run("recommend", *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in plain(result.stderr)


def test_a_refusal_of_the_server_is_told(url: str) -> None:
    result = run("recommend", "--product", "refuse", "--url", url)
    assert (result.exit_code, result.stderr) == (2, "error: PRODUCT_ID: 'refuse' is not in the catalogue\n")
