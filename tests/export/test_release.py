"""Whole releases of a tiny shop."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256
from ensemble.pipeline import Pipeline
from ensemble.release import Manifest, manifest_path, releases
from export import check, release, tower_steps
from export.errors import BadSource, GateFailed, StoreBusy
from export.kept import FOLDER as KEPT
from export.recommending.probing import recommend_request
from export.store import staging
from tests import tiny

Make = Callable[..., Manifest]
COMPOSING = (
    "text_preprocess",
    "text_tower",
    "image_preprocess",
    "vision_tower",
    "product_preprocess",
    "product_row",
    "commit_product",
    "commit_patch",
    "commit_deletion",
    "retrieve",
    "recommender",
    "admission",
)
ENSEMBLES = (
    *("search_text", "search_image", "search", "embed_text", "embed_image", "embed_product"),
    *("upsert_product", "patch_product", "delete_product"),
    *("recommend", "recommend_product"),
)
# Where a release may break off: the function that it calls there, and the module that it calls it from.
STEPS = (
    (tower_steps, "text_cases"),
    *((release, name) for name in ("embed", "write_release_recommender", "make_probe", "make_manifest")),
    *((release, name) for name in ("move_models", "move_release")),
)


def config(store: Path, model: str) -> Any:
    return text_format.Parse((store / "models" / model / "config.pbtxt").read_text(), ModelConfig())


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its hash, but for results that are kept for another try."""
    return {
        str(path.relative_to(folder)): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".export.lock" and KEPT not in path.parts
    }


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    """A store with one release, to be changed."""
    return Path(shutil.copytree(store, tmp_path / "copy"))


def test_the_repository_is_complete(store: Path) -> None:
    models = store / "models"
    assert sorted(path.name for path in models.iterdir()) == sorted(COMPOSING + ENSEMBLES)
    for name in COMPOSING:
        assert (models / name / "1" / "model.py").is_file()
        assert list((models / name / "1" / "__pycache__").glob("model.*.pyc"))
    for name in ENSEMBLES:
        assert list((models / name / "1").iterdir()) == []
    for name in ("text_preprocess", "image_preprocess", "product_preprocess"):
        assert any((models / name / "warmup").iterdir())
    assert not list(store.glob(".export/*"))


def test_configs_have_the_shapes_of_the_towers(store: Path) -> None:
    shapes = {
        tensor.name: list(tensor.dims)
        for name in COMPOSING
        for tensor in (*config(store, name).input, *config(store, name).output)
    }
    assert shapes["PIXELS"] == [16, 16, 3]
    assert shapes["TEXT_VECTOR"] == [16]
    assert shapes["IMAGE_VECTOR"] == [8]
    assert shapes["ROW"] == [24]
    tokens = [list(sample.inputs["INPUT_IDS"].dims) for sample in config(store, "text_tower").model_warmup]
    assert tokens == [[4], [8], [16]]
    (warm,) = config(store, "product_row").model_warmup
    assert [list(warm.inputs[name].dims) for name in ("TEXT_VECTOR", "IMAGE_VECTOR")] == [[16], [8]]


def test_configs_pin_the_release(store: Path) -> None:
    for name in COMPOSING:
        assert list(config(store, name).version_policy.specific.versions) == [1]
    for name in ENSEMBLES:
        assert {step.model_version for step in config(store, name).ensemble_scheduling.step} == {1}


def test_every_hash_of_the_manifest_is_true(store: Path, shop: Path, towers: Path) -> None:
    manifest = Manifest.load(manifest_path(store, 1))
    assert manifest.damaged(store) == ()
    assert manifest.inputs["catalogue"] == {"path": str(shop), "sha256": sha256(shop)}
    assert manifest.inputs["towers"]["sha256"] == sha256(towers)
    assert {"text.onnx", "text.tokenizer", "vision.onnx", "pictures"} <= set(manifest.inputs)
    files = {name for name in tree(store) if "__pycache__" not in name and name.startswith("releases/")}
    versioned = {name for name in tree(store / "models") if "/1/" in name and "__pycache__" not in name}
    expected = files | {f"models/{name}" for name in versioned}
    assert set(manifest.outputs) == expected - {"releases/0001/manifest.json"}


def test_warm_up_data_is_hashed_in_the_copy_that_belongs_to_the_release(copy: Path) -> None:
    manifest = Manifest.load(manifest_path(copy, 1))
    served = {name: digest for name, digest in tree(copy / "models").items() if "/warmup/" in name}
    own = {
        name.removeprefix("releases/0001/models/"): one for name, one in manifest.outputs.items() if "/warmup/" in name
    }
    assert own == served
    assert {name.split("/")[0] for name in own} == {"text_preprocess", "image_preprocess", "product_preprocess"}
    name = next(name for name in manifest.outputs if "/warmup/" in name)
    (copy / name).write_bytes(b"other")
    assert manifest.damaged(copy) == (name,)


def test_the_manifest_tells_how_the_release_was_made(store: Path) -> None:
    manifest = Manifest.load(manifest_path(store, 1))
    assert [step.name for step in manifest.steps] == [
        "catalogue",
        "towers",
        "check",
        "precision",
        "repository",
        "embed",
        "index",
        "recommender",
        "baseline",
        "probe",
        "manifest",
    ]
    assert manifest.figures["products"] == 40
    assert manifest.figures["pictures"] == 34
    assert 0 <= float(manifest.figures["text_max_abs_diff"]) <= check.MAX_ABS_DIFF
    assert (manifest.release, manifest.target, manifest.notes) == (1, "cpu", ())
    assert manifest.versions["numpy"] == np.__version__
    settings = json.loads((store / "models" / "retrieve" / "1" / "settings.json").read_text())
    assert settings["space"]["space_id"] == manifest.space_id


def test_a_damaged_output_is_found(copy: Path) -> None:
    manifest = Manifest.load(manifest_path(copy, 1))
    (copy / "models" / "text_tower" / "1" / "model.onnx").unlink()
    with (copy / "models" / "retrieve" / "1" / "index" / "vectors.npy").open("ab") as file:
        file.write(b"x")
    assert set(manifest.damaged(copy)) == {
        "models/text_tower/1/model.onnx",
        "models/retrieve/1/index/vectors.npy",
    }


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"steps": 3}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DamagedRelease, match="not a manifest"):
        Manifest.load(tmp_path / "manifest.json")


def test_rows_of_the_index_are_in_the_order_of_the_catalogue_and_those_of_the_towers(store: Path) -> None:
    pipeline = Pipeline.open(store / "models", 1)
    rows = tiny.products()
    slots = pipeline.index.slots
    assert [slots.product(slot)["id"] for slot in range(len(slots))] == [row["id"] for row in rows]
    alone = [
        pipeline.encoders.embed_product([row], [picture])[0]
        for row, picture in zip(rows, tiny.pictures(rows), strict=True)
    ]
    held = slots.rows(np.arange(len(slots)))
    np.testing.assert_allclose(held, np.stack(alone), atol=1e-3)  # float16 has 11 bits
    assert not held[0, 16:].any()


def test_the_probe_is_what_the_pipeline_answers(store: Path) -> None:
    folder = store / "releases" / "0001" / "probe"
    requests = json.loads((folder / "probe.json").read_text())["requests"]
    models = ["search_text", "search_image", "search", "embed_product", "recommend"]
    assert [request["model"] for request in requests] == models
    pipeline = Pipeline.open(store / "models", 1)
    photo = (folder / "probe.jpg").read_bytes()
    for request in requests[:3]:
        inputs, expected = request["inputs"], request["expected"]
        hits = pipeline.search(
            [inputs["TEXT"]] if "TEXT" in inputs else None,
            [photo] if "IMAGE" in inputs else None,
            weights=tuple(inputs.get("WEIGHTS", (1, 1))),
            k=inputs["K"],
        )[0]
        assert [hit.id for hit in hits] == expected["PRODUCT_ID"]
        np.testing.assert_allclose([hit.score for hit in hits], expected["SCORE"], atol=1e-5)
        assert len(hits) >= 1
    row = pipeline.encoders.embed_product([json.loads(requests[3]["inputs"]["PRODUCT"])], [photo])[0]
    np.testing.assert_allclose(row, requests[3]["expected"]["ROW"], atol=1e-5)
    ids = requests[4]["inputs"]["PRODUCT_ID"]
    assert recommend_request(store / "models" / "recommender" / "1", ids) == requests[4]


def test_a_second_release_keeps_the_first_beside_it(copy: Path, make: Make) -> None:
    before = tree(copy / "releases")
    warmup = copy / "models" / "text_preprocess" / "warmup"
    made_at = warmup.stat().st_mtime_ns
    manifest = make(copy)
    assert warmup.stat().st_mtime_ns == made_at
    assert releases(copy) == [1, 2]
    assert manifest.release == 2
    for name in COMPOSING:
        assert list(config(copy, name).version_policy.specific.versions) == [1, 2]
    for name in ENSEMBLES:
        assert {step.model_version for step in config(copy, name).ensemble_scheduling.step} == {2}
    first = Manifest.load(manifest_path(copy, 1))
    assert first.damaged(copy) == ()
    assert manifest.damaged(copy) == ()
    assert manifest.space_id == first.space_id
    assert before.items() <= tree(copy / "releases").items()


def test_a_release_of_other_shapes_stands_alone_and_says_so(copy: Path, make: Make, sources: Path) -> None:
    other = sources / "other.toml"
    other.write_text((sources / "towers.toml").read_text().replace('output = "features"', 'output = "colours"'))
    manifest = make(copy, towers=other)
    for name in COMPOSING:
        assert list(config(copy, name).version_policy.specific.versions) == [2]
    assert list(config(copy, "retrieve").input[1].dims) == [3]
    (note,) = manifest.notes
    assert "vision_tower" in note
    assert "Roll replicas" in note
    third = make(copy, towers=other)
    assert list(config(copy, "retrieve").version_policy.specific.versions) == [2, 3]
    assert third.notes == ()


def test_another_preprocessing_is_another_space(store: Path, make: Make, sources: Path, tmp_path: Path) -> None:
    other = sources / "buckets.toml"
    other.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[8, 16]"))
    manifest = make(tmp_path / "var", towers=other)
    assert manifest.space_id != Manifest.load(manifest_path(store, 1)).space_id


@pytest.mark.parametrize("step", STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("error", [RuntimeError("power"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_a_release_that_breaks_off_leaves_the_store_as_it_was(
    copy: Path, make: Make, monkeypatch: pytest.MonkeyPatch, step: tuple[ModuleType, str], error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    before = tree(copy)
    monkeypatch.setattr(*step, fail)
    with pytest.raises(type(error)):
        make(copy)
    assert tree(copy) == before
    assert not (copy / ".export").exists()
    monkeypatch.undo()
    assert make(copy).release == 2


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_moves_that_break_off_anywhere_are_taken_back(
    copy: Path, make: Make, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    """Break off before the first rename, after so many, after twice as many, and so on, until a release is made."""
    before = tree(copy)
    left = allowed = 0
    rename = Path.replace

    def break_off(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", break_off)
    while releases(copy) == [1]:
        left = allowed
        try:
            make(copy)
        except KeyboardInterrupt:
            assert tree(copy) == before
        allowed += stride
    assert allowed > 16


def test_a_gate_that_fails_leaves_nothing(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_ABS_DIFF", -1.0)
    with pytest.raises(GateFailed, match="text_tower: max abs difference") as caught:
        make(tmp_path / "var")
    assert len(caught.value.worst) == 3
    assert tree(tmp_path / "var") == {}
    assert releases(tmp_path / "var") == []


def test_what_a_killed_export_left_is_cleared(copy: Path, make: Make) -> None:
    (copy / ".export" / "models").mkdir(parents=True)
    (copy / ".export" / "models" / "half.onnx").touch()
    shutil.copytree(copy / "models" / "text_tower" / "1", copy / "models" / "text_tower" / "2")
    (copy / "models" / "text_tower" / "2" / "left_over").touch()
    make(copy)
    assert not (copy / ".export").exists()
    assert not (copy / "models" / "text_tower" / "2" / "left_over").exists()


def test_two_exports_do_not_share_a_store(tmp_path: Path, make: Make) -> None:
    with staging(tmp_path), pytest.raises(StoreBusy, match="another export works here"):
        make(tmp_path)


def test_longer_texts_than_the_version_before_could_warm_up_with_stand_alone(
    copy: Path, make: Make, sources: Path
) -> None:
    path = sources / "longer.toml"
    path.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[4, 8, 32]"))
    (note,) = make(copy, towers=path).notes
    assert "text_tower" in note
    assert list(config(copy, "text_tower").version_policy.specific.versions) == [2]


def test_halves_that_cannot_be_compared_cannot_be_shared(make: Make, sources: Path, tmp_path: Path) -> None:
    shared = sources / "shared.toml"
    shared.write_text((sources / "towers.toml").read_text() + "\n[space]\nshared = true\n")
    with pytest.raises(BadSource, match="a shared space needs equal dimensions, got text 16 and image 8"):
        make(tmp_path / "var", towers=shared)
