from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ensemble.index.milvus import MilvusOptions, MilvusRefused
from ensemble.index.milvus.schema import Names, check_version, packed, unpacked


def test_the_environment_says_where_it_is() -> None:
    environment = {
        "TANDEM_MILVUS": "http://milvus:19530",
        "TANDEM_MILVUS_TOKEN": "user:secret",
        "TANDEM_MILVUS_COLLECTION": "shop",
        "TANDEM_MILVUS_SEARCH": '{"ef": 300}',
    }
    options = MilvusOptions.asked(environment, index_type="HNSW")
    assert (options.uri, options.collection) == ("http://milvus:19530", "shop")
    assert options.searching(10) == {"ef": 300}
    assert options.token == "user:secret"
    assert "secret" not in repr(options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"uri": ""}, "`uri` must not be empty"),
        ({"index_type": "CAGRA"}, "`index_type` must be one of FLAT, HNSW, .*, got 'CAGRA'"),
        ({"rows": "int8"}, "`rows` must be one of float32, float16, got 'int8'"),
        ({"collection": "a-b"}, "`collection` must be letters, digits and underscores, got 'a-b'"),
        ({"collection": "ü"}, "`collection` must be letters"),
        ({"timeout_s": 0}, "`timeout_s` must be above 0 and finite, got 0"),
        ({"timeout_s": float("nan")}, "`timeout_s` must be above 0 and finite, got nan"),
        ({"uri": "localhost:19530"}, "got 'localhost:19530'; did you mean http://localhost:19530?"),
        ({"uri": "root:secret@milvus:19530"}, "got 'milvus:19530'; did you mean http://milvus:19530?"),
    ],
)
def test_refuses(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MilvusOptions(**({"uri": "http://milvus"} | given))


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_search_parameters_are_an_object(text: str) -> None:
    with pytest.raises(ValueError, match="TANDEM_MILVUS_SEARCH: "):
        MilvusOptions.asked({"TANDEM_MILVUS": "a.db", "TANDEM_MILVUS_SEARCH": text})


@pytest.mark.parametrize(
    ("uri", "shown", "is_lite"),
    [
        ("http://root:secret@milvus:19530/shop?token=secret", "http://milvus:19530/shop", False),
        ("https://milvus.example", "https://milvus.example", False),
        ("/tmp/milvus.db", "/tmp/milvus.db", True),  # noqa: S108
    ],
)
def test_a_password_is_never_shown(uri: str, shown: str, is_lite: bool) -> None:
    options = MilvusOptions(uri)
    assert (options.shown, options.is_lite) == (shown, is_lite)
    assert "secret" not in repr(options)


@pytest.mark.parametrize(
    ("index_type", "hits", "expected", "most"),
    [
        ("FLAT", 10, {}, 16_384),
        ("HNSW", 10, {"ef": 128}, 16_384),
        ("HNSW", 500, {"ef": 1_000}, 16_384),
        ("IVF_FLAT", 10, {"nprobe": 64}, 16_384),
        ("GPU_IVF_PQ", 10, {"nprobe": 64}, 1_024),
        ("GPU_CAGRA", 10, {"itopk_size": 128, "search_width": 4}, 1_024),
        ("GPU_CAGRA", 600, {"itopk_size": 1_024, "search_width": 4}, 1_024),
        ("GPU_BRUTE_FORCE", 10, {}, 1_024),
    ],
)
def test_a_search_is_wide_enough_for_its_hits(index_type: Any, hits: int, expected: dict[str, int], most: int) -> None:
    options = MilvusOptions("http://milvus", index_type=index_type)
    assert (options.searching(hits), options.most_hits) == (expected, most)


def test_each_space_has_collections_of_its_own() -> None:
    options = MilvusOptions("http://milvus")
    first, second = Names.of(options, "space-a"), Names.of(options, "a" * 64)
    assert first.products != second.products
    assert first.state == f"{first.products}_state"
    assert first.products.isidentifier()


def test_a_milvus_that_would_lose_rows_in_a_patch_is_refused() -> None:
    for version in ("2.6.2", "v2.6.10-gpu", "3.0.0", "milvus_lite-3.2.2", "master-20261101-abc"):
        check_version(version)
    with pytest.raises(MilvusRefused, match=r"Milvus v2.6.1: 2.6.2 or newer is needed"):
        check_version("v2.6.1")


@pytest.mark.parametrize("rows", ["float32", "float16"])
def test_rows_come_back_as_they_went(rows: Any) -> None:
    row = np.array([1.5, -2.25, 6e-8], np.float16)
    given = packed(row, MilvusOptions("http://milvus", rows=rows))
    assert given.dtype == rows
    stored: list[Any] = [given.tolist()] if rows == "float32" else [given.tobytes(), [given.tobytes()]]
    for value in stored:
        assert unpacked(value).tobytes() == row.tobytes()
