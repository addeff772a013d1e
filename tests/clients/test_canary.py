"""Who is answered by a release on trial: chosen by a caller's key, learnt from the server, forgotten with the trial."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from clients import (
    NO_RETRIES,
    BadInput,
    BadSetting,
    Client,
    NoCanary,
    Query,
    Share,
    Unavailable,
)
from clients.canary import place_of
from clients.cli import app
from tests.clients.conftest import Scripted

Connect = Callable[..., Client]

PUBLIC, TRIAL = 7, 8
INSIDE = next(f"user {n}" for n in range(100) if place_of(f"user {n}", TRIAL) < 0.25)
OUTSIDE = next(f"user {n}" for n in range(100) if place_of(f"user {n}", TRIAL) > 0.5)
KEYED = Query("mug", k=1, key=INSIDE)


@pytest.fixture
def trial(scripted: Scripted) -> Iterator[Scripted]:
    """A quarter of the keys are answered by release 8, now and afterwards."""
    scripted.try_release()
    yield scripted
    scripted.try_release()


@pytest.fixture
def client(connect: Connect, url: str, trial: Scripted) -> Iterator[Client]:
    with connect(url, retries=NO_RETRIES) as made:
        yield made


def release(client: Client, key: str | None = None, text: str = "mug") -> int:
    return client.search(text=text, k=1, key=key).release


def test_a_key_in_the_share_is_answered_by_the_release_on_trial(client: Client) -> None:
    assert [release(client, key) for key in (INSIDE, OUTSIDE, "", None, INSIDE)] == [
        TRIAL,
        PUBLIC,
        PUBLIC,
        PUBLIC,
        TRIAL,
    ]


def test_a_request_of_many_keys_is_answered_row_by_row(client: Client) -> None:
    keys = [INSIDE, None, OUTSIDE, INSIDE, ""]
    answers = client.search_many([Query("mug", k=row + 1, key=key) for row, key in enumerate(keys)])
    assert [answer.release for answer in answers] == [TRIAL, PUBLIC, PUBLIC, TRIAL, PUBLIC]
    assert [len(answer.results) for answer in answers] == [1, 2, 3, 4, 5]


def test_the_whole_request_is_checked_before_a_part_of_it_is_sent(client: Client) -> None:
    with pytest.raises(BadInput, match=r"queries\[1\]: is for search_image, queries\[0\] for search_text"):
        client.search_many([KEYED, Query(image=b"photo")])


def test_a_kind_of_search_that_is_not_on_trial_is_answered_by_the_public_one(client: Client) -> None:
    assert client.search(image=b"photo", k=1, key=INSIDE).release == PUBLIC


def test_a_withdrawn_trial_fails_no_request(client: Client, trial: Scripted) -> None:
    assert release(client, INSIDE) == TRIAL
    trial.withdraw()
    assert [release(client, INSIDE) for _ in range(3)] == [PUBLIC] * 3


def test_while_none_is_on_trial_keys_change_nothing(client: Client, trial: Scripted) -> None:
    trial.withdraw()
    assert [release(client, key) for key in (INSIDE, OUTSIDE)] == [PUBLIC, PUBLIC]


def test_an_error_of_the_request_is_the_caller_s_on_trial_too(client: Client) -> None:
    with pytest.raises(BadInput, match="refused"):
        release(client, INSIDE, "refuse")


def test_a_trial_that_is_not_well_is_answered_by_the_public_one_at_once(client: Client) -> None:
    with pytest.raises(Unavailable, match="TEXT: failed"):  # which fails as well, and that is what is told
        release(client, INSIDE, "fail UNAVAILABLE")
    assert release(client, INSIDE) == PUBLIC, "it is left alone until the server is asked again"


@pytest.mark.parametrize(
    ("canary", "expected"), [(Share(1.0), TRIAL), (Share(0.25, TRIAL), TRIAL), (Share(0.0), PUBLIC), (None, PUBLIC)]
)
def test_the_share_may_be_set_by_hand(
    connect: Connect, url: str, trial: Scripted, canary: Share, expected: int
) -> None:
    with connect(url, canary=canary) as client:
        assert release(client, INSIDE) == expected
        assert release(client) == PUBLIC


def test_the_release_on_trial_may_be_asked_by_name(connect: Connect, url: str, trial: Scripted) -> None:
    with connect(url, canary="only") as client:
        assert [release(client, key) for key in (None, OUTSIDE)] == [TRIAL, TRIAL]
        trial.withdraw()
        for ask in (lambda: release(client), lambda: client.search(image=b"photo")):
            with pytest.raises(NoCanary, match=r"no release is on trial at .*//127\.0\.0\.1"):
                ask()


@pytest.mark.parametrize("canary", ["often", 0.1, True])
def test_other_settings_are_refused(connect: Connect, canary: object) -> None:
    with pytest.raises(BadSetting, match="allowed: 'auto', 'only', a Share, or None"):
        connect("grpc://localhost:1", canary=canary)


def search(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["search", "--text", "mug", *arguments], env={"COLUMNS": "140", "TANDEM_URL": None})


def test_the_command_line_asks_with_a_key_or_by_name(url: str, trial: Scripted) -> None:
    for arguments, expected in ((("--key", INSIDE), TRIAL), (("--key", OUTSIDE), PUBLIC), (("--canary",), TRIAL)):
        assert json.loads(search("--url", url, "--json", *arguments).stdout)["release"] == expected
    trial.withdraw()
    result = search("--url", url, "--canary")
    assert result.exit_code == 3
    assert "no release is on trial at" in result.stderr
    assert "python -m deploy canary RELEASE --share 10%" in result.stderr
