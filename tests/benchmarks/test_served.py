"""The gate of a served release: real releases, real servers, and releases whose own gate was asleep."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from typer.testing import CliRunner, Result

from benchmarks.served.__main__ import app
from benchmarks.served.asking import Asked, found
from benchmarks.served.judging import Compared, judge
from benchmarks.served.reference import Reference
from benchmarks.served.values import bound_of, of_kind
from clients import Answer
from clients import Result as Found
from deploy.server import Server
from deploy.store import find_release
from ensemble.hashing import sha256
from ensemble.release import Manifest, manifest_path
from ensemble.settings import SpaceSettings
from export.decisions import Deciding, Decision
from export.errors import BadEvaluation, TooLittle
from export.queries import Query, read_queries
from export.targets import TEXT, VISION
from tests import tiny
from tests.export.conftest import Make

Floats = np.ndarray[Any, np.dtype[np.float32]]
TEXTS = ("red mug", "green chair", "small blue lamp", "large white ball", "blue mug", "white chair", "lamp", "red ball")
SPACE = SpaceSettings("id", 8, 8, shared=True, text_query=(1.0, 0.5), image_query=(0.0, 1.0))


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight labelled texts, and sixteen photos of colours that no product quite has."""
    folder = tmp_path_factory.mktemp("queries")
    rows: list[dict[str, Any]] = [{"text": text, "products": _meant(text)} for text in TEXTS]
    for number, (red, green, blue) in enumerate(np.random.default_rng(3).integers(0, 256, (16, 3)).tolist()):
        (folder / f"{number}.png").write_bytes(tiny.picture((red, green, blue), 100 + number))
        rows.append({"image": f"{number}.png"})
    path = folder / "queries.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _meant(text: str) -> list[str]:
    words = set(text.split())
    return [row["id"] for row in tiny.products() if words <= set(row["title"].split())]


def eight_bits(graph: Path, out: Path, spoil: float = 1.0) -> Path:
    """A graph whose weights are rounded to 8 bits; ``spoil`` multiplies every second of their columns."""
    model = onnx.load(graph)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim == 2:
            step = np.abs(values).max() / 127
            rounded = (np.round(values / step) * step).astype(np.float32)
            rounded[:, ::2] *= np.float32(spoil)
            tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
    onnx.save(model, out)
    return out


@pytest.fixture
def released(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], Path]:
    """Makes a release in 8 bits whose towers are spoiled by a factor each, without asking the release's own gate."""

    def run(text: float = 1.0, vision: float = 1.0) -> Path:
        def asleep(self: Deciding, _start: object) -> dict[str, Decision]:
            spoil = {TEXT: text, VISION: vision}
            graphs = {m: eight_bits(t.graph, tmp_path / f"{m}.onnx", spoil[m]) for m, t in self.towers.items()}
            return {model: Decision(graph, "int8-rounded") for model, graph in graphs.items()}

        monkeypatch.setattr(Deciding, "run", asleep)
        make(tmp_path / "var", precision="int8")
        return tmp_path / "var"

    return run


@pytest.fixture(scope="module")
def fp32(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a release in FP32."""
    store = tmp_path_factory.mktemp("fp32") / "var"
    make(store)
    return store


@pytest.fixture(scope="module")
def reference(fp32: Path) -> Reference:
    return Reference.of(find_release(fp32), lambda _: lambda _: None)


def ask(store: Path, queries: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["--store", str(store), "--queries", str(queries), *more])


def figures(store: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((store / "bench" / "served.json").read_text())
    return content


def test_a_faithful_release_in_8_bits_passes(released: Callable[..., Path], queries: Path) -> None:
    store = released()
    manifest = Manifest.load(manifest_path(store, 1))
    for model in (TEXT, VISION):
        assert f"releases/0001/fp32/{model}.onnx" in manifest.outputs
        assert manifest.outputs[f"releases/0001/fp32/{model}.onnx"] != manifest.outputs[f"models/{model}/1/model.onnx"]
    result = ask(store, queries)
    assert result.exit_code == 0, result.output
    content = figures(store)
    assert (content["release"], content["precision"], content["passed"]) == (
        1,
        {"text": "int8", "vision": "int8"},
        True,
    )
    assert (content["text"]["queries"], content["photo"]["queries"]) == (8, 16)
    for kind in ("text", "photo"):
        assert 0.97 == content[kind]["bound"] <= content[kind]["recall_at_10"] <= 1
        assert 0 < content[kind]["score_mean"] <= content[kind]["score_max"] < 0.05
    # Rounded weights are not those of FP32: equal scores would mean that the release was compared with itself.
    assert content["text"]["score_mean"] > 1e-4
    labelled = content["text"]["labelled"]
    assert labelled["queries"] == 8
    assert 0 < labelled["fp32"]["recall@1"] <= labelled["fp32"]["recall@5"] <= 1
    assert labelled["served"]["recall@5"] == pytest.approx(labelled["fp32"]["recall@5"], abs=0.1)
    assert "labelled" not in content["photo"]


@pytest.mark.parametrize(("text", "vision", "failed"), [(8.0, 1.0, "text"), (1.0, 8.0, "photo")])
def test_a_spoiled_graph_is_caught(
    released: Callable[..., Path], queries: Path, text: float, vision: float, failed: str
) -> None:
    store = released(text=text, vision=vision)
    result = ask(store, queries)
    assert result.exit_code == 1, result.output
    content = figures(store)
    assert not content["passed"]
    assert content[failed]["recall_at_10"] < 0.95
    assert f"recall@10 of served {failed} queries is" in result.output
    assert "at least 0.97 is asked" in result.output
    worst = [query.label for query in of_kind(read_queries(queries), failed)]
    assert sum(label in result.output for label in worst) >= 5


def test_an_fp32_release_serves_what_fp32_answers(fp32: Path, queries: Path, tmp_path: Path) -> None:
    texts_only = tmp_path / "texts.jsonl"
    texts_only.write_text("".join(f"{line}\n" for line in queries.read_text().splitlines() if '"text"' in line))
    with Server(fp32) as server:
        result = ask(fp32, queries, "--url", server.grpc_url)
        assert result.exit_code == 0, result.output
        content = figures(fp32)
        one_kind = ask(fp32, texts_only, "--url", server.http_url)
    for kind in ("text", "photo"):
        assert (content[kind]["recall_at_10"], content[kind]["bound"]) == (1.0, 0.999)
        assert content[kind]["score_max"] < 2**-11  # the index holds float16
    assert one_kind.exit_code == 0, one_kind.output
    assert "no photo query" in one_kind.output
    assert figures(fp32)["photo"] is None
    assert not (fp32 / "releases" / "0001" / "fp32").exists()
    # The server is gone.
    unreachable = ask(fp32, queries, "--url", server.grpc_url)
    assert unreachable.exit_code == 1
    assert "error:" in unreachable.output


def test_what_cannot_be_judged_is_refused(fp32: Path, queries: Path, tmp_path: Path) -> None:
    def refused(*more: str, lines: Sequence[dict[str, Any]] | None = None) -> str:
        path = queries
        if lines is not None:
            path = tmp_path / "lines.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        result = ask(fp32, path, "--url", "grpc://127.0.0.1:9", *more)
        assert result.exit_code == 2, result.output
        return result.output

    assert "holds no query" in refused(lines=[])
    assert "3 text queries, at least 8 are needed" in refused(lines=[{"text": text} for text in TEXTS[:3]])
    assert "not in the release's index" in refused(lines=[{"text": text, "products": ["P999"]} for text in TEXTS])
    assert "holds no release 2" in refused("--release", "2")
    assert "`recall` must be above 0" in refused("--recall", "nan")
    assert "`recall` must be above 0" in refused("--recall", "0")


def test_files_that_are_not_what_was_made_are_refused(released: Callable[..., Path], queries: Path) -> None:
    store = released()
    kept = store / "releases" / "0001" / "fp32" / f"{TEXT}.onnx"
    kept.write_bytes((store / "models" / TEXT / "1" / "model.onnx").read_bytes())
    assert "is damaged" in ask(store, queries).output
    path = manifest_path(store, 1)
    manifest = Manifest.load(path)
    name = str(kept.relative_to(store))
    kept.unlink()
    replace(manifest, outputs={key: one for key, one in manifest.outputs.items() if key != name}).save(path)
    without = ask(store, queries)
    assert without.exit_code == 2
    assert "nothing to compare with" in without.output.replace("\n", " ")
    calibrated = {**manifest.inputs, "calibration": {"path": str(queries), "sha256": sha256(queries)}}
    replace(Manifest.load(path), inputs=calibrated).save(path)
    assert "calibrated on these queries" in ask(store, queries).output


def answer(scores: Sequence[float], ids: Sequence[str] = (), release: int = 1, seq: int = 0) -> Answer:
    names = ids or [f"p{at}" for at in range(len(scores))]
    return Answer(release, seq, tuple(Found(name, score) for name, score in zip(names, scores, strict=True)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer([]), "0 product(s), 3 are asked for"),
        (answer([3.0, 2.0]), "2 product(s), 3 are asked for"),
        (answer([3.0, math.nan, 1.0]), "not a number"),
        (answer([3.0, 2.0, -math.inf]), "not a number"),
        (answer([3.0, 2.0, 1.0], ["p0", "p1", "p1"]), "twice"),
        (answer([3.0, 2.0, 1.0], ["p0", "p1", "p9"]), "'p9' is not in the release's index"),
        (answer([1.0, 2.0, 3.0]), "order"),
        (answer([3.0, 2.0, 1.0], release=2), "answered by release 2"),
        (answer([3.0, 2.0, 1.0], seq=5), "catalogue has changed"),
    ],
)
def test_broken_answers_are_told(given: Answer, said: str) -> None:
    asked = Asked("grpc://127.0.0.1:9", 1, 0, {f"p{at}": at for at in range(4)}, 3)
    assert said in str(asked.problem(given))
    assert asked.problem(answer([3.0, 2.0, 1.0])) is None


class _Scripted(Asked):
    """A server that gives the answers that a test has written."""

    written: Sequence[Answer] = ()

    def answers(self, queries: Sequence[Query]) -> list[Answer]:
        return list(self.written[: len(queries)])


@pytest.fixture
def scripted(reference: Reference) -> Callable[..., Asked]:
    places = {product.id: at for at, product in enumerate(reference.products)}

    def written(answers: Sequence[Answer]) -> Asked:
        asked = _Scripted("grpc://127.0.0.1:9", 1, reference.seq, places, 10)
        object.__setattr__(asked, "written", answers)
        return asked

    return written


def test_broken_answers_fail_and_are_not_counted(
    reference: Reference, queries: Path, scripted: Callable[..., Asked]
) -> None:
    known = partial(answer, seq=reference.seq)
    texts = of_kind(read_queries(queries), "text")
    truth = reference.scores(texts)
    names = [product.id for product in reference.products]
    best = np.argsort(-truth, axis=1, kind="stable")[:, :10]
    good = [known(row[at].tolist(), [names[one] for one in at]) for row, at in zip(truth, best, strict=True)]
    perfect = judge("text", texts, reference, scripted(good), 1.0)
    assert (perfect.recall_at_10, perfect.score_max, perfect.failures) == (1.0, 0.0, ())
    assert perfect.labelled is not None
    assert perfect.labelled.reference == perfect.labelled.candidate
    broken = judge("text", texts, reference, scripted([known([]), *good[1:]]), 0.97)
    assert [one.figure for one in broken.failures] == ["share of whole answers to text queries"]
    assert broken.failures[0].worst == ("'red mug': 0 product(s), 10 are asked for",)
    silent = judge("text", texts, reference, scripted([known([])] * 8), 0.97)
    assert [one.figure for one in silent.failures][1:] == ["recall@10 of served text queries"]
    assert math.isnan(silent.recall_at_10)
    assert silent.as_dict()["recall_at_10"] is None
    assert silent.labelled is None
    farthest = np.argsort(truth, axis=1, kind="stable")[:, :10]
    last = [known(row[at].tolist(), [names[one] for one in at]) for row, at in zip(truth, farthest, strict=True)]
    worst = [replace(one, results=one.results[::-1]) for one in last]
    assert judge("text", texts, reference, scripted(worst), 0.5).recall_at_10 < 0.2


def test_a_reference_that_says_nothing_is_refused(
    reference: Reference, queries: Path, scripted: Callable[..., Asked]
) -> None:
    texts = of_kind(read_queries(queries), "text")
    same = replace(reference, rows=np.repeat(reference.rows[1:2], len(reference.rows), axis=0))
    with pytest.raises(BadEvaluation, match="any ranking would pass"):
        judge("text", texts, same, scripted([]), 0.97)
    broken = replace(reference, rows=np.full_like(reference.rows, np.nan))
    with pytest.raises(BadEvaluation, match="not a number"):
        judge("text", texts, broken, scripted([]), 0.97)
    with pytest.raises(TooLittle):
        judge("text", [], reference, scripted([]), 0.97)


def test_a_product_as_near_as_the_tenth_is_as_good() -> None:
    truth = np.array([[0.9, 0.5, 0.4999, 0.1]], np.float32)
    places = {"a": 0, "b": 1, "c": 2, "d": 3}
    for names, share in ((("a", "c"), 1.0), (("a", "d"), 0.5)):
        served = found([answer([0.9, 0.5], names)], places)
        assert Compared.of(truth, served, 2).shares.tolist() == [share]


def test_the_bound_is_that_of_the_towers_that_have_a_part() -> None:
    mixed = {"text": "fp16", "vision": "int8"}
    assert bound_of("text", mixed, SPACE) == 0.97
    assert bound_of("photo", {"text": "int8", "vision": "fp16"}, SPACE) == 0.995
    assert bound_of("text", mixed, replace(SPACE, text_query=(1.0, 0.0))) == 0.995
    assert bound_of("photo", mixed, SPACE, 0.5) == 0.5
