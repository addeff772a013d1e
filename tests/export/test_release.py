"""What is in a release of a tiny shop, and what its manifest says of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256
from ensemble.pipeline import Pipeline
from ensemble.release import Manifest, manifest_path
from export import check
from export.recommending.probing import recommend_request
from tests import tiny
from tests.export.stores import COMPOSING, ENSEMBLES, config, tree


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
