from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ensemble import settings
from ensemble.errors import DamagedRelease
from tests import tiny


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (settings.TextSettings, {"buckets": (32, 16), "max_tokens": 16}, "`buckets` must be ascending"),
        (
            settings.TextSettings,
            {"buckets": (16, 32), "max_tokens": 64},
            "the last of `buckets` must be `max_tokens` = 64",
        ),
        (settings.ImageSettings, {"resize": "stretch"}, "`resize` must be one of"),
        (settings.ImageSettings, {"size": 2}, "`size` must be at least 8"),
        (settings.ProductSettings, {"text": ()}, "`text` must name at least one field"),
        (settings.SpaceSettings, {"space_id": "x", "text_dim": 4, "image_dim": 5, "shared": True}, "equal dimensions"),
        (
            settings.SpaceSettings,
            {"space_id": "x", "text_dim": 4, "image_dim": 5, "text_query": (0.5, 0.5)},
            "do not share a space",
        ),
        (
            settings.SpaceSettings,
            {"space_id": "x", "text_dim": 4, "image_dim": 5, "text_query": (0, 0)},
            "`text_query`",
        ),
    ],
)
def test_refuses(kind: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**values)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings.write(path, text=tiny.TEXT, image=tiny.IMAGE, space=tiny.SPACE)
    assert settings.read(path, "text", settings.TextSettings) == tiny.TEXT
    assert settings.read(path, "image", settings.ImageSettings) == tiny.IMAGE
    assert settings.read(path, "space", settings.SpaceSettings) == tiny.SPACE


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for content in ("", "{}", '{"text": {"buckets": [3]}}', '{"text": {"unknown": 1}}'):
        path.write_text(content)
        with pytest.raises(DamagedRelease, match=r"settings\.json: section 'text' cannot be read"):
            settings.read(path, "text", settings.TextSettings)
