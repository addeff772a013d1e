"""The folder that a recommender is opened from, written without a release."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file

from ensemble.product_tower import FrozenProductTower, open_product_tower
from ensemble.recommending import still_recommender
from ensemble.tasks import BadProfiles, Recommended, Recommender
from export.errors import BadRecommender
from export.recommending import More, write_recommender
from export.recommending.artefact import Artefact
from tests.export.recommending.conftest import SHAPE, Frozen


def write(folder: Path, frozen: Frozen, tower: Path | None = None, tasks: Path | None = None, **more: object) -> Path:
    write_recommender(
        folder,
        products=frozen.documents,
        rows=frozen.rows,
        space=frozen.space,
        tower=tower,
        tasks=tasks,
        more=More(**more),  # type: ignore[arg-type]
    )
    return folder


def ask(recommender: Recommender, product: str, task: str, k: int = 5) -> Recommended:
    request = {"PRODUCT_ID": product.encode(), "TASK": task.encode()}
    tensors = {name: np.array([[value]], object) for name, value in request.items()}
    (answer,) = recommender.answer([{**tensors, "K": np.array([[k]], np.int32)}])
    assert isinstance(answer, Recommended), answer
    return answer


def test_the_frozen_tower_recommends_without_any_training(frozen: Frozen, tmp_path: Path) -> None:
    recommender = still_recommender(write(tmp_path / "1", frozen))
    answer = ask(recommender, "P004", "similar")
    vectors = FrozenProductTower(frozen.space).encode(frozen.rows, frozen.documents)
    scores = vectors @ vectors[4]
    scores[4] = -np.inf
    expected = [frozen.documents[at]["id"] for at in np.argsort(-scores)[:5]]
    assert answer.found.ids == [expected]
    assert set(recommender.shop.profiles.by_name) == {"similar", "complement", "inspire"}


def test_a_trained_tower_answers_every_task(frozen: Frozen, tower: Path, graph: Path, tmp_path: Path) -> None:
    recommender = still_recommender(write(tmp_path / "1", frozen, tower, graph=graph))
    assert recommender.shop.recommend.dim == SHAPE.dim
    assert ask(recommender, "P001", "similar").rules == [["similar"] * 5]
    assert set(ask(recommender, "P000", "complement").rules[0]) == {"complement:Kitchen/Teas"}
    assert all(rule.startswith("inspire:") for rule in ask(recommender, "P002", "inspire").rules[0])


def test_what_is_in_the_index_is_what_the_server_makes_of_a_change(
    frozen: Frozen, tower: Path, graph: Path, tmp_path: Path
) -> None:
    folder = write(tmp_path / "1", frozen, tower, graph=graph)
    slots = still_recommender(folder).index.slots
    encoder = open_product_tower(folder, frozen.space)
    for at in (0, 5, 8, 71):
        alone = encoder.encode(frozen.rows[at : at + 1], [frozen.documents[at]])[0]
        assert np.array_equal(slots.rows(np.array([at]))[0].astype(np.float16), alone.astype(np.float16))


def test_the_same_input_gives_the_same_folder(frozen: Frozen, tower: Path, graph: Path, tmp_path: Path) -> None:
    one, other = write(tmp_path / "one", frozen, tower), write(tmp_path / "other", frozen, tower, graph=graph)
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert [name for name in names if (one / name).read_bytes() != (other / name).read_bytes()] == []


def test_another_tower_is_another_space(frozen: Frozen, tower: Path, graph: Path, tmp_path: Path) -> None:
    changed = onnx.load(graph)
    weights = next(tensor for tensor in changed.graph.initializer if tensor.name.endswith("mlp.0.bias"))
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) + np.float32(0.01), weights.name))
    onnx.save(changed, tmp_path / "changed.onnx")
    made = (
        write(tmp_path / "0", frozen),
        write(tmp_path / "1", frozen, tower, graph=graph),
        write(tmp_path / "2", frozen, tower, graph=tmp_path / "changed.onnx"),
    )
    spaces = {still_recommender(folder).shop.recommend.space_id for folder in made}
    assert len(spaces) == 3
    assert frozen.space.space_id not in spaces


def test_own_files_go_before_those_of_the_tower(frozen: Frozen, tower: Path, graph: Path, tmp_path: Path) -> None:
    (tmp_path / "complements.json").write_text('{"Sport": [{"category": "Home/Lamps", "lift": 2.0}]}')
    (tmp_path / "popularity.json").write_text(json.dumps({"P003": 9, "P007": 4, "gone": 100}))
    (tmp_path / "tasks.toml").write_text('[gifts]\ntask = "complement"\nfallback = ["popular"]\n')
    own = {name: tmp_path / f"{name}.json" for name in ("complements", "popularity")}
    recommender = still_recommender(
        write(tmp_path / "1", frozen, tower, tmp_path / "tasks.toml", clusters=5, graph=graph, **own)
    )
    shop = recommender.shop
    assert shop.complements.of(["Sport"], 5) == ["Home/Lamps"]
    assert shop.popular.products == {"": ["P003", "P007"], "Sport": ["P003", "P007"]}
    assert shop.clusters is not None
    assert len(shop.clusters.centroids) == 5
    assert list(shop.profiles.by_name) == ["gifts"]
    assert set(ask(recommender, "P003", "gifts").rules[0]) == {"complement:Home/Lamps"}


def test_a_filter_of_a_profile_is_held_to_the_catalogue(frozen: Frozen, tmp_path: Path) -> None:
    (tmp_path / "tasks.toml").write_text('[cheap]\ntask = "similar"\nfilter = { eq = ["colour", "red"] }\n')
    with pytest.raises(BadProfiles, match=r"\[cheap\].*colour"):
        write(tmp_path / "1", frozen, tasks=tmp_path / "tasks.toml")


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _nan(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        weights = load_file(folder / name)
        first = sorted(weights)[0]
        weights[first] = np.full_like(weights[first], np.nan)
        save_file(weights, folder / name)

    return spoil


def _described(**changed: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = json.loads((folder / "tower.json").read_text())
        (folder / "tower.json").write_text(json.dumps(content | changed))

    return spoil


def _features(**changed: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = json.loads((folder / "tower.json").read_text())
        content["features"] |= changed
        (folder / "tower.json").write_text(json.dumps(content))

    return spoil


def _cut(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:-40])

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_without("tower.json"), "no tower.json"),
        (_without("tower.safetensors"), "no tower.safetensors"),
        (_without("complement.safetensors"), "complements.json without complement.safetensors"),
        (_without("complements.json"), "complement.safetensors without complements.json"),
        (_nan("tower.safetensors"), r"tower.safetensors: .* not finite"),
        (_nan("complement.safetensors"), r"complement.safetensors: .* not finite"),
        (_cut("tower.safetensors"), r"tower.safetensors: not a .safetensors file"),
        (_described(format=9), r"tower.json: `format` must be 1, got 9"),
        (_features(text_dim=48), r"tower.json: trained on rows of 48 \+ 32"),
        (_features(image_dim=16), r"tower.json: trained on rows of 32 \+ 16"),
        (_features(levels=0), r"tower.json: .*`levels` must be at least 1"),
        (_described(shape={"dim": 16}), "cannot be loaded as a product tower"),
    ],
)
def test_a_broken_tower_is_refused_by_name(
    frozen: Frozen, tower: Path, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    broken = Path(shutil.copytree(tower, tmp_path / "broken"))
    spoil(broken)
    with pytest.raises(BadRecommender, match=told) as caught:
        write(tmp_path / "1", frozen, broken)
    assert str(broken) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [("[1]", "a JSON object"), ('{"P001": -1}', "'P001' = -1"), ('{"P001": true}', "True"), ("{", "not a JSON file")],
)
def test_counts_that_are_none_are_refused(frozen: Frozen, tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "counts.json").write_text(content)
    with pytest.raises(BadRecommender, match=told):
        write(tmp_path / "1", frozen, popularity=tmp_path / "counts.json")


def test_complements_that_are_none_are_refused(frozen: Frozen, tmp_path: Path) -> None:
    (tmp_path / "complements.json").write_text('{"Sport": "Home"}')
    with pytest.raises(BadRecommender, match=r"complements\.json.*a list of categories"):
        write(tmp_path / "1", frozen, complements=tmp_path / "complements.json")


def test_rows_are_told_by_products_of_the_same_id_and_title(frozen: Frozen, tower: Path, tmp_path: Path) -> None:
    artefact = Artefact.open(tower)
    assert len(artefact.rows) == 16
    assert artefact.check_rows(frozen.documents, frozen.rows.astype(np.float16).astype(np.float32))
    renamed = [document | {"title": "another"} for document in frozen.documents]
    assert not artefact.check_rows(renamed, -frozen.rows)
    with pytest.raises(BadRecommender, match=r"over 16 products their mean cosine is -1\.000"):
        artefact.check_rows(frozen.documents, -frozen.rows)
    changed = Path(shutil.copytree(tower, tmp_path / "changed"))
    content = json.loads((changed / "tower.json").read_text())
    spoiled = next(iter(content["rows"]))
    content["rows"][spoiled] = [1.0]
    (changed / "tower.json").write_text(json.dumps(content))
    with pytest.raises(BadRecommender, match=rf"`rows` of '{spoiled}' must be \d+ finite numbers"):
        Artefact.open(changed).check_rows(frozen.documents, frozen.rows)
