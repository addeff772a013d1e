from __future__ import annotations

from pathlib import Path

import pytest

from ensemble.errors import DamagedRelease
from ensemble.tasks import RecommendSettings, read_settings, write_settings
from tests.ensemble.tasks.shops import RECOMMEND, SPACE


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_settings(tmp_path, SPACE, RECOMMEND)
    assert read_settings(tmp_path) == (SPACE, RECOMMEND)


def test_the_index_has_rows_of_one_vector() -> None:
    assert (RECOMMEND.space.row_dim, RECOMMEND.space.space_id) == (RECOMMEND.dim, RECOMMEND.space_id)


@pytest.mark.parametrize(("space_id", "dim"), [("", 8), ("a", 0), ("a", 4_097)])
def test_values_that_no_index_has_are_refused(space_id: str, dim: int) -> None:
    with pytest.raises(ValueError, match=r"`(space_id|dim)`"):
        RecommendSettings(space_id, dim)


def test_a_folder_without_settings_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedRelease, match=r"settings\.json"):
        read_settings(tmp_path)
