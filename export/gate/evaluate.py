"""Holds every candidate of a tower to the FP32 reference, on held-out raw inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from export.gate.bounds import DEFAULT_BOUNDS
from export.gate.evidence import Advance, Evidence, answers, ask, corpus_batches, encode_corpus
from export.gate.findings import Judge, Rows, timing_of
from export.gate.preparation import Feed, Preparation
from export.gate.speed import feeds, milliseconds
from export.gate.subject import Open, Subject, open_tower
from export.gate.trial import Trial
from export.gate.values import BATCHES, Bounds, Verdict
from export.precision.candidates import Candidate
from export.reference import Floats, Reference


def _as_they_are(vectors: Floats) -> Floats:
    return vectors


def _told_to_nobody(_: int) -> None:
    return None


@dataclass(frozen=True)
class Bench:
    """How candidates are run.

    Args:
        start: Makes an encoder of a graph; ONNX Runtime on the CPU where it is not given.
        threads: While vectors are compared. Latency is measured with one, as served.
        seconds: Spent on a candidate at each batch size, about.
        rows: Makes of this tower's product vectors ``(products, dim)`` what labelled queries are compared with:
            where towers share a space and weigh both halves, ``lambda own: a * own + b * other``, since the weighted
            score of a query is its inner product with that. The vectors as they are, where it is not given.
        truth: Opens the FP32 graph that tells what products truly are. Where it is not given, the FP32 candidate does;
            an FP32 engine would then be held to itself.
    """

    start: Open = open_tower
    threads: int = 1
    seconds: float = 3.0
    rows: Rows = _as_they_are
    truth: Open | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"`threads` must be at least 1, got {self.threads}")
        if not 0 < self.seconds < 600:
            raise ValueError(f"`seconds` must be above 0 and below 600, got {self.seconds}")


def evaluate(
    trial: Trial,
    preparation: Preparation,
    reference: Reference,
    candidates: Sequence[Candidate],
    *,
    bounds: Mapping[str, Bounds] = DEFAULT_BOUNDS,
    bench: Bench | None = None,
    advance: Advance = _told_to_nobody,
) -> list[Verdict]:
    """Judge all candidates of one tower together.

    The reference encodes each input alone; products to find are encoded by the FP32 graph, which has been held to the
    reference before (``export.check``). A candidate encodes both from what serving makes of them, and what serving
    makes is held to its twin; see ``export.gate.preparation``.

    Args:
        trial: Inputs and products.
        preparation: Raw inputs to tensors, both ways.
        reference: The FP32 source.
        candidates: Among them the FP32 graph, which latencies are compared with.
        bounds: By precision.
        bench: How they are run.
        advance: Told how many more steps are done; there are ``work(trial, candidates)``.

    Returns:
        A verdict for each candidate, in their order. One that cannot be run has failed.

    Raises:
        BadEvaluation: Nothing can be judged by these inputs, products or this reference.
        ValueError: There is no FP32 candidate, or a precision has no bounds.
    """
    bench = bench or Bench()
    source_at = _source(candidates)
    _require_bounds(candidates, bounds)
    asked = ask(trial, preparation, reference)
    advance(1)
    subjects = [Subject(one, asked.reference.shape[1], bench.start, bench.threads) for one in candidates]
    answered = []
    for subject in subjects:
        answered.append(answers(subject, asked))
        advance(1)
    source = _truth(subjects[source_at], bench, asked.reference.shape[1])
    found = encode_corpus(trial, preparation, source, subjects, advance)
    judge = Judge(trial, asked, found, bench.rows)
    taken = _time(subjects, feeds(asked.raws, preparation.served), bench.seconds, advance)
    return [
        judge.verdict(subject, Evidence(*pair, corpus), timing_of(times, taken[source_at]), bounds[one.precision])
        for one, subject, pair, corpus, times in zip(
            candidates, subjects, answered, found.by_subject, taken, strict=True
        )
    ]


def _truth(source: Subject, bench: Bench, dim: int) -> Subject:
    """The FP32 graph as products are encoded by for the truth."""
    if bench.truth is None or bench.truth is bench.start:
        return source
    return Subject(source.candidate, dim, bench.truth, bench.threads)


def work(trial: Trial, candidates: Sequence[Candidate]) -> int:
    """How many steps ``evaluate`` tells of."""
    return 1 + len(candidates) + corpus_batches(trial) + len(BATCHES)


def _source(candidates: Sequence[Candidate]) -> int:
    """Place of the FP32 graph."""
    places = [at for at, one in enumerate(candidates) if one.precision == "fp32"]
    if not places:
        raise ValueError("`candidates` must hold the fp32 graph, which the others are compared with")
    return places[0]


def _require_bounds(candidates: Sequence[Candidate], bounds: Mapping[str, Bounds]) -> None:
    missing = sorted({one.precision for one in candidates} - set(bounds))
    if missing:
        raise ValueError(f"`bounds` has none for {', '.join(missing)}")


def _time(
    subjects: Sequence[Subject], given: Mapping[int, Sequence[Feed]], seconds: float, advance: Advance
) -> list[dict[int, float]]:
    """Median milliseconds by batch of each, with one thread; nothing of one that cannot be run."""
    for subject in subjects:
        subject.restart(threads=1)
    taken = milliseconds([subject.encode for subject in subjects], given, seconds=seconds, advance=advance)
    return [{} if subject.broken else times for subject, times in zip(subjects, taken, strict=True)]
