from __future__ import annotations

from pathlib import Path

import pytest

from export.errors import BadTowers
from export.towers_file import DEFAULT_TEXT_TOWER, load

SCALING = "mean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n"
GOOD = f'[vision]\nfactory = "a.b:c"\nimage_size = 32\n{SCALING}'


def write(folder: Path, content: str) -> Path:
    path = folder / "towers.toml"
    path.write_text(content)
    return path


def test_text_is_minilm_where_the_file_does_not_say(tmp_path: Path) -> None:
    towers = load(write(tmp_path, GOOD))
    assert towers.text.hf == DEFAULT_TEXT_TOWER
    assert towers.product.text == ("title",)
    assert towers.space.shared is False


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "head.bin").touch()
    path = write(
        tmp_path,
        """
        [text]
        hf = "x"
        onnx = "none.onnx"
        max_tokens = 2
        poling = "mean"
        projection = "head.bin"
        [vision]
        factory = "no_function"
        image_size = "big"
        std = [0.5, 0.0, 0.5]
        mean = [0.5, 0.5]
        resize = "stretch"
        [space]
        text_query = [1.0, -1.0]
        [product]
        text = []
        [speed]
        """,
    )
    with pytest.raises(BadTowers) as caught:
        load(path)
    told = "\n".join(caught.value.problems)
    for field, allowed in {
        "text.onnx = 'none.onnx'": f"there is nothing at {tmp_path}/none.onnx",
        "text.max_tokens = 2": "greater than or equal to 4",
        "text.poling = 'mean'": "no such key",
        "text.projection = 'head.bin'": "a .safetensors file; .bin files are unpickled, which can run any code",
        "vision.factory = 'no_function'": '"module:function"',
        "vision.image_size = 'big'": "integer",
        "vision.std": "three numbers above 0",
        "vision.mean.2": "missing",
        "vision.resize = 'stretch'": "'crop', 'pad' or 'squash'",
        "space.text_query.1 = -1.0": "greater than or equal to 0",
        "product.text": "at least 1",
        "speed": "no such key",
    }.items():
        assert any(line.startswith(field) and allowed in line for line in caught.value.problems), (field, told)
    assert len(caught.value.problems) == 12


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD + "[text]\npooling = 'cls'\n", "exactly one of hf, onnx, factory; got none"),
        (GOOD + "[text]\nhf = 'a'\nfactory = 'a:b'\n", "exactly one of hf, onnx, factory; got hf, factory"),
        (GOOD + "[text]\nfactory = 'a:b'\n", "tokenizer = a tokenizer.json"),
        (GOOD + "[text]\nhf = 'a'\noutput = 'x'\n", "output only beside onnx"),
        ('[vision]\nfactory = "a:b"\n', "image_size beside factory"),
        (GOOD + 'layout = "NHWC"\n', "input and layout only beside onnx"),
        (GOOD.replace("mean", "# mean"), "mean and std beside onnx and factory"),
        (GOOD + 'pooling = "pooler"\n', "pooling = 'pooler' only beside hf"),
        (GOOD + "[space]\ntext_query = [1, 0.5]\n", "only where shared = true"),
        (GOOD + "[space]\nshared = true\nimage_query = [0, 0]\n", "one weight above 0 at least"),
        (GOOD + "[columns]\ntitel = 'x'\n", "columns.titel = 'x'; allowed: no such field"),
        ("", "vision is missing"),
        ("[vision", "Expected"),
    ],
)
def test_what_belongs_together(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(BadTowers) as caught:
        load(write(tmp_path, content))
    assert said in str(caught.value)
    assert "towers.toml" in str(caught.value)


@pytest.mark.parametrize("ending", [".pt", ".pth", ".bin", ".pkl"])
def test_what_would_be_unpickled_is_refused_by_name(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"head{ending}").touch()
    with pytest.raises(BadTowers, match="unpickled, which can run any code"):
        load(write(tmp_path, GOOD + f'projection = "head{ending}"\n'))


def test_paths_are_relative_to_the_file_and_variables_to_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "data").mkdir(parents=True)
    (tmp_path / "conf").mkdir()
    (tmp_path / "here" / "data" / "a.safetensors").touch()
    (tmp_path / "conf" / "b.safetensors").touch()
    (tmp_path / "conf" / "bert").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    content = (
        GOOD + 'projection = "${DATA}/a.safetensors"\n[text]\nhf = "bert"\nprojection = "${NONE:-b}.safetensors"\n'
    )
    towers = load(write(tmp_path / "conf", content), {"DATA": "data"})
    assert towers.vision.projection == tmp_path / "here" / "data" / "a.safetensors"
    assert towers.text.projection == tmp_path / "conf" / "b.safetensors"
    assert towers.text.hf == str(tmp_path / "conf" / "bert")


def test_a_variable_that_is_not_set_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(BadTowers, match=r"vision.projection = .*set NOWHERE in the environment"):
        load(write(tmp_path, GOOD + 'projection = "${NOWHERE}/x.safetensors"\n'), {})
