"""Training: it learns what there is to learn, and does the same again, interrupted or not."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from tests.training.product import shop
from training.errors import CheckpointError, TrainingInputError
from training.product import fitting
from training.product.data import Tasks, tasks_of
from training.product.drawing import Task
from training.product.fitting import Fit, train
from training.product.pairs import Pairs, count_pairs
from training.product.run import Progress, Run
from training.product.trained import Trained
from training.product.validating import Exam


def _train(run: Run | None = None, **changes: Any) -> Trained:
    return train(count_pairs(shop.events()), shop.products(), shop.rows(), shop.recipe(**changes), run)


def _weights(trained: Trained) -> dict[str, torch.Tensor]:
    return trained.student.state_dict()


def _same(one: Trained, other: Trained) -> bool:
    first, second = _weights(one), _weights(other)
    return one.epochs == other.epochs and all(torch.equal(first[name], second[name]) for name in first)


def test_themes_are_learned_and_the_asked_category_is_met() -> None:
    trained = _train(epochs=6, patience=6)
    vectors, rows = trained.vectors(shop.products(), shop.rows()), shop.rows()
    themes = np.array([shop.theme_of(at) for at in range(40)])
    found, before = (themes[(each @ each.T - 2 * np.eye(40)).argmax(axis=1)] == themes for each in (vectors, rows))
    assert found.mean() > 0.8 > before.mean() + 0.2
    asked = trained.head().queries(vectors, ["Home/Vases"] * 40) @ vectors[30:].T
    assert (themes[30 + asked.argmax(axis=1)] == themes)[:30].mean() > 0.6


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    one = _train()
    assert _same(one, _train())
    assert not _same(one, _train(seed=8))


def test_batches_drawn_by_other_processes_are_the_same() -> None:
    assert _same(_train(epochs=1), _train(Run(workers=1), epochs=1))


def test_a_run_that_was_interrupted_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _train()
    step = Fit._step

    def interrupted(self: Fit, batch: Any, number: int, sums: dict[str, float]) -> None:
        if number == 17:
            raise KeyboardInterrupt
        step(self, batch, number, sums)

    run = Run(tmp_path / "work")
    with monkeypatch.context() as patched:
        patched.setattr(Fit, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _train(run)
    assert len(json.loads((tmp_path / "work" / "epochs.json").read_text())) == 1
    assert _same(_train(run), whole)
    assert _same(_train(run), whole)


def test_a_checkpoint_of_another_recipe_or_data_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)
    _train(run, epochs=1)
    with pytest.raises(CheckpointError, match="choose another --work"):
        _train(run, epochs=1, temperature=0.1)
    rows = shop.rows(seed=5)
    with pytest.raises(CheckpointError, match="choose another --work"):
        train(count_pairs(shop.events()), shop.products(), rows, shop.recipe(epochs=1), run)
    later = count_pairs(shop.events().before(3600 * 200))
    with pytest.raises(CheckpointError, match=r"other data .* remove it or choose") as caught:
        train(count_pairs(shop.events()), shop.products(), shop.rows(), shop.recipe(epochs=1), run, validation=later)
    assert len(str(caught.value)) < 300


def test_a_checkpoint_of_other_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _train(Run(tmp_path), epochs=1)
    monkeypatch.setattr(fitting, "_code", lambda: "other")
    with pytest.raises(CheckpointError, match="another version of the code"):
        _train(Run(tmp_path), epochs=1)


@pytest.mark.parametrize("name", ["best.safetensors", "checkpoint.safetensors"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, name: str) -> None:
    run = Run(tmp_path)
    _train(run, epochs=1, steps=1)
    assert not list(tmp_path.glob("*.part"))
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"remove (it|its checkpoint)"):
        _train(run, epochs=1, steps=1)
    (tmp_path / name).unlink()
    if name == "best.safetensors":
        with pytest.raises(CheckpointError, match="cannot be resumed from"):
            _train(run, epochs=1, steps=1)


def test_where_nothing_is_held_out_the_last_epoch_is_kept() -> None:
    trained = _train(validation=0.0, patience=1, steps=1)
    assert (trained.best_epoch, len(trained.epochs)) == (3, 3)
    assert all("figure" not in epoch for epoch in trained.epochs)


def _ends(task: Task) -> list[tuple[int, int]]:
    return list(zip(task.query.tolist(), task.target.tolist(), strict=True))


def test_a_pair_is_held_out_from_both_tasks_or_from_none() -> None:
    tasks = tasks_of(count_pairs(shop.events()), shop.products(), shop.recipe())
    told, held = tasks.split(0.3, 7)
    known, asked = (
        {tuple(sorted(pair)) for task in (one.similar, one.complement) for pair in _ends(task)} for one in (told, held)
    )
    assert not known & asked
    assert 0.2 < len(asked) / len(known | asked) < 0.4
    assert len(told.complement) + len(held.complement) == len(tasks.complement)
    assert np.array_equal(tasks.split(0.3, 7)[1].similar.query, held.similar.query)
    assert not np.array_equal(tasks.split(0.3, 8)[1].similar.query, held.similar.query)
    one = Task(np.array([0]), np.array([1]), np.ones(1))
    alone, none = Tasks(one, one).split(0.999, 7)
    assert (len(alone.similar), len(none.similar)) == (1, 0)


def test_training_stops_when_nothing_gets_better(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([0.1, 0.4, 0.3, 0.4, 0.2, 0.9])
    monkeypatch.setattr(Exam, "figures", lambda *_: {"figure": next(figures)})
    trained = _train(epochs=6, steps=1, patience=3)
    assert [epoch["figure"] for epoch in trained.epochs] == [0.1, 0.4, 0.3, 0.4, 0.2]
    assert trained.best_epoch == 2


def test_the_weights_are_those_of_the_best_epoch() -> None:
    progress, model = Progress(), torch.nn.Linear(1, 1)
    for epoch, figure in enumerate((0.3, 0.5, 0.5), start=1):
        torch.nn.init.constant_(model.weight, float(epoch))
        progress.add({"figure": figure, "steps": epoch}, model)
    assert progress.best_epoch == 2
    assert progress.best["weight"].item() == 2.0


def test_pairs_of_a_later_time_are_stopped_by() -> None:
    events = shop.events()
    assert events.time is not None
    moment = int(np.median(events.time))
    told, later = count_pairs(events.before(moment)), count_pairs(events.only(events.time >= moment))
    trained = train(told, shop.products(), shop.rows(), shop.recipe(), validation=later)
    assert trained.epochs[-1]["figure"] > 0
    assert trained.popularity == {name: count for name, count in told.popularity().items() if count}


def test_views_make_products_similar_and_keep_them_from_being_complements() -> None:
    names = tuple(product["id"] for product in shop.products())
    one, other = np.array([0, 1, 0, 2]), np.array([1, 10, 10, 12])
    viewed, counts = np.array([True, True, False, False]), np.array([5, 5, 5, 5])
    pairs = Pairs(names, one, other, counts, viewed, np.full(40, 5))
    tasks = tasks_of(pairs, shop.products(), shop.recipe())
    # What is bought together across categories counts less than what is viewed together.
    assert dict(zip(_ends(tasks.similar), tasks.similar.weight, strict=True)) == {
        (0, 1): 5,
        (1, 10): 5,
        (0, 10): pytest.approx(0.5),
        (2, 12): pytest.approx(0.5),
    }
    assert _ends(tasks.complement) == [(0, 10), (2, 12)]
    again = Pairs(names, np.array([10, 0]), np.array([0, 10]), counts[:2], np.array([False, True]), np.full(40, 5))
    assert len(tasks_of(again, shop.products(), shop.recipe()).complement) == 0


def test_one_pair_of_views_takes_nothing_from_what_is_bought() -> None:
    bought = count_pairs(shop.events())
    ends = np.array([0]), np.array([10])
    for count in (1, 5):
        pairs = Pairs(
            bought.products,
            np.append(bought.query, ends[0]),
            np.append(bought.target, ends[1]),
            np.append(bought.count, count),
            np.append(bought.viewed, True),
            bought.baskets,
        )
        before, after = (tasks_of(one, shop.products(), shop.recipe(min_count=2)) for one in (bought, pairs))
        # A view below the threshold changes nothing, one above it adds its pair, and that is no complement.
        assert len(after.similar) == len(before.similar) + (count > 1)
        assert len(before.complement) - len(after.complement) == (count > 1)


def test_a_learned_temperature_moves_and_a_fixed_one_does_not() -> None:
    assert _train(epochs=1).epochs[0]["temperature"] == pytest.approx(0.07)
    assert _train(epochs=1, learn_temperature=True).epochs[0]["temperature"] != pytest.approx(0.07, abs=1e-3)


def test_progress_is_shown() -> None:
    shown = io.StringIO()
    _train(Run(console=Console(file=shown, width=200)), epochs=1)
    assert "similar_recall" in shown.getvalue()
    assert "12/12" in shown.getvalue()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (shop.rows()[:39], r"rows: shape \(39, 12\), must be \(40, 12\)"),
        (np.full((40, 12), np.nan, np.float32), "rows: row 0 holds no finite numbers"),
    ],
)
def test_rows_that_cannot_be_trained_on(rows: Any, message: str) -> None:
    with pytest.raises(TrainingInputError, match=message):
        train(count_pairs(shop.events()), shop.products(), rows, shop.recipe())


def test_pairs_that_cannot_be_trained_on() -> None:
    with pytest.raises(TrainingInputError, match="is of two products of the catalogue with a count of at least 10000"):
        _train(min_count=10_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0, "dropout": 1.0}, "epochs: got 0, must be at least 1; dropout: got 1.0"),
        ({"temperature": 0.0}, "temperature: got 0.0, must be above 0"),
        ({"across": float("nan")}, "across: got nan"),
    ],
)
def test_recipes_that_are_not_allowed(changes: dict[str, float], message: str) -> None:
    with pytest.raises(TrainingInputError, match=message):
        shop.recipe(**changes)


def test_a_device_that_is_not_here_is_named() -> None:
    with pytest.raises(TrainingInputError, match="device: got 'nowhere'"):
        Run(device="nowhere").on()
