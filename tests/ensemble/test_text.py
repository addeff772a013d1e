from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ensemble.errors import DamagedRelease, InvalidInput
from ensemble.text import TextPreprocessor, clean_text
from tests import tiny

CLS, SEP = 2, 3


@pytest.fixture(scope="module")
def preprocess(tiny_models: Path) -> TextPreprocessor:
    return TextPreprocessor(tiny_models / "text_preprocess" / "1" / "tokenizer.json", tiny.TEXT)


def test_pads_to_the_smallest_bucket_that_holds_the_longest(preprocess: TextPreprocessor) -> None:
    tokens = preprocess(["red mug", "small red mug lamp"])
    assert tokens.input_ids.shape == (2, 8)
    assert tokens.lengths.tolist() == [[4], [6]]
    assert tokens.input_ids[0].tolist() == [CLS, 4, 8, SEP, 0, 0, 0, 0]
    assert tokens.input_ids.dtype == np.int64
    assert tokens.lengths.dtype == np.int32


def test_cuts_long_texts_and_keeps_the_closing_token(preprocess: TextPreprocessor) -> None:
    tokens = preprocess(["red " * 30])
    assert tokens.input_ids.shape == (1, 16)
    assert tokens.input_ids[0, -1] == SEP


def test_special_tokens_in_a_text_are_only_words(preprocess: TextPreprocessor) -> None:
    ids = preprocess(["red [SEP] [CLS] mug"]).input_ids[0].tolist()
    assert ids.count(CLS) == 1
    assert ids.count(SEP) == 1


def test_bytes_and_str_are_the_same(preprocess: TextPreprocessor) -> None:
    assert preprocess(["red mug"]).input_ids.tolist() == preprocess([b"  red mug \n"]).input_ids.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "TEXT: empty; give at least one character"),
        (" \t\n", "TEXT: empty"),
        (b"\x00\x00", "TEXT: empty"),
        (b"caf\xe9 mug", "TEXT: not UTF-8: invalid continuation byte at byte 3"),
        ("\x00 \x00", "TEXT: empty"),
        ("mug \ud800", "TEXT: holds half of a surrogate pair"),
        ("x" * 201, "TEXT: 201 characters; at most 200 are allowed"),
        (b"x" * 100_000, "TEXT: 100,000 bytes; at most 200 characters are allowed"),
    ],
)
def test_refuses(text: bytes | str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_text(text, tiny.TEXT)
    assert str(caught.value).startswith(message)


def test_names_the_row_where_there_are_several(preprocess: TextPreprocessor) -> None:
    with pytest.raises(InvalidInput, match=r"TEXT\[1\]: empty"):
        preprocess(["red", ""])


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DamagedRelease, match=r"tokenizer\.json"):
        TextPreprocessor(tmp_path / "tokenizer.json", tiny.TEXT)
