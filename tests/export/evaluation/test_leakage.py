"""What was learned from the training events passes; the same with a leak planted in it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.errors import Leak
from export.evaluation.leakage import check_complements, check_known, check_pairs, check_popularity
from export.evaluation.learned import check_artefact
from tests.export.evaluation import small
from training.product.complements import Complement, ComplementMap, learn_complements
from training.product.pairs import count_pairs

CATEGORY = {f"p{at}": name for at, name in enumerate(small.CATEGORIES)}


def test_pairs_of_the_training_pass_and_those_of_all_events_do_not(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    check_pairs(count_pairs(split.before), split.before)
    with pytest.raises(Leak, match=r"counted"):
        check_pairs(count_pairs(split.all), split.before)


def test_one_pair_counted_once_too_often_is_found(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    pairs = count_pairs(split.before)
    names = list(zip(pairs.query.tolist(), pairs.target.tolist(), strict=True))
    at = names.index((pairs.products.index("p2"), pairs.products.index("p4")))
    assert pairs.count[at] == 3
    planted = pairs.count + (np.arange(len(pairs)) == at)
    with pytest.raises(Leak, match="pair 'p2', 'p4' was counted 4 times; at most 3"):
        check_pairs(replace(pairs, count=planted), split.before)


def test_popularity_of_the_test_is_found(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    counts = count_pairs(split.before).popularity()
    check_popularity(counts, split.before)
    with pytest.raises(Leak, match="'p2' is 4; 3 training baskets"):
        check_popularity(counts | {"p2": 4}, split.before)
    with pytest.raises(Leak, match="'p8' is 1; 0 training baskets"):
        check_popularity(counts | {"p8": 1}, split.before)


def test_complements_of_the_test_are_found(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    path = tmp_path / "complements.json"
    learn_complements(split.before, small.products(), min_baskets=1, confidence=0.5).save(path)
    check_complements(path, split.before, CATEGORY)
    # Three training baskets hold a mug and a drink; by hand anything may be said.
    planted = Complement("Food/Drink", 2.0, 1.5, 5)
    ComplementMap({"Kitchen/Mug": (planted,)}).save(path)
    with pytest.raises(Leak, match="'Kitchen/Mug' with 'Food/Drink' in 5 baskets; at most 4"):
        check_complements(path, split.before, CATEGORY)
    ComplementMap({"Kitchen/Mug": (Complement("Kitchen/Kettle", source="hand"),)}).save(path)
    check_complements(path, split.before, CATEGORY)


def test_clusters_of_products_of_the_test_are_found(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    check_known(split.before.products, split.before, "the clusters")
    with pytest.raises(Leak, match=r"the clusters know 1 product.* such as 'p8'"):
        check_known(["p0", "p8"], split.before, "the clusters")


def test_a_tower_folder_is_held_to_the_training(tmp_path: Path) -> None:
    shop = small.shop(tmp_path)
    (tmp_path / "popularity.json").write_text(json.dumps({"p4": 3}))
    check_artefact(tmp_path, shop)
    (tmp_path / "popularity.json").write_text(json.dumps({"p4": 4}))
    with pytest.raises(Leak, match="'p4' is 4"):
        check_artefact(tmp_path, shop)
