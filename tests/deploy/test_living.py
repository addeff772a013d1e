from __future__ import annotations

from pathlib import Path

import pytest

from deploy.command import server_environment
from deploy.errors import CannotStart
from deploy.living import Living, find_living


def test_a_store_with_a_catalogue_of_its_own_follows_it(tmp_path: Path) -> None:
    assert find_living(tmp_path, None) is None
    (tmp_path / "catalogue.sqlite").touch()
    living = find_living(tmp_path, None)
    assert living == Living(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", tmp_path / "snapshots")


def test_another_database_goes_before_the_stores_own_and_an_empty_url_is_none(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").touch()
    url = "postgresql+psycopg://shop:secret@localhost/shop"
    assert find_living(tmp_path, url) == Living(url, tmp_path / "snapshots")
    assert find_living(tmp_path, "") is None


def test_a_sqlite_file_is_found_from_wherever_the_server_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.sqlite").touch()
    monkeypatch.chdir(tmp_path)
    living = find_living(tmp_path / "store", "sqlite:///shop.sqlite")
    assert living is not None
    assert living.catalogue == f"sqlite:///{tmp_path / 'shop.sqlite'}"


def test_a_sqlite_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"--catalogue sqlite:///.*/gone\.sqlite: no such file"):
        find_living(tmp_path, f"sqlite:///{tmp_path / 'gone.sqlite'}")


def test_the_server_knows_its_catalogue_by_its_options_alone() -> None:
    inherited = {"TANDEM_CATALOGUE": "sqlite:///of/the/shell", "TANDEM_SNAPSHOTS": "/elsewhere"}
    assert not server_environment(Path("/t"), inherited).keys() & inherited.keys()
    environment = server_environment(Path("/t"), inherited, living=Living("sqlite:////shop.sqlite", Path("/snapshots")))
    assert environment["TANDEM_CATALOGUE"] == "sqlite:////shop.sqlite"
    assert environment["TANDEM_SNAPSHOTS"] == "/snapshots"
