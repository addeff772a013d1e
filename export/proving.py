"""Finds the graph of a tower that serves: makes the candidates, judges them, and takes the fastest that passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ensemble.hashing import sha256
from export.engines.trying import PERCENT, Engines, engine_files
from export.errors import BadCalibration
from export.gate.choose import AUTO, Choice, choose
from export.gate.evaluate import Bench, evaluate, work
from export.gate.preparation import Preparation
from export.gate.stored import as_dict, from_dict
from export.gate.subject import Open, open_tower
from export.gate.trial import Kind, Trial, Trials
from export.gate.values import Bounds, Verdict
from export.kept import Kept
from export.precision.calibration import Calibration
from export.precision.candidates import Candidate
from export.precision.recipes import recipes, row_recipes
from export.precision.search import make_candidates, read_candidates
from export.precision.simulated import SimulatedTower
from export.reference import Floats, Reference

VERDICTS = "verdicts.json"
# Spent on each candidate at each batch size.
SECONDS = 1.0

Advance = Callable[[int], None]
Weigh = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Claim:
    """What is claimed of a tower, and all that it takes to judge it.

    Args:
        model: ``text_tower``, ``vision_tower`` or ``product_tower``.
        kind: The same for the gate.
        graph: The FP32 graph, which has been held to its source.
        reference: Gives the source; called only where something is judged, since loading it takes long.
        preparation: Raw inputs to tensors.
        calibrate: Gives real inputs for ranges.
        weigh: Makes of product vectors what labelled queries are compared with, given the trial.
        inputs: Hashes and settings that calibration follows from.
        judged_by: Those that only the trial and its figures follow from.
        start: Opens a graph as it is served, where there are no engines.
    """

    model: str
    kind: Kind
    graph: Path
    reference: Callable[[], Reference]
    preparation: Preparation
    calibrate: Callable[[], Calibration]
    weigh: Callable[[Trial], Weigh]
    inputs: Mapping[str, object]
    judged_by: Mapping[str, object]
    start: Open = open_tower


@dataclass(frozen=True)
class Rule:
    """How candidates are judged.

    Args:
        asked: ``auto`` or a precision.
        allow_fallback: Fall back down int8, fp16, fp32.
        target: What the tower runs on.
        device: ``cpu`` or ``gpu``.
        bounds: By precision.
        source: Where held-out inputs and products to find come from.
        threads: While vectors are compared.
        engines: Builds engines of the candidates, where the target has them.
    """

    asked: str
    allow_fallback: bool
    target: str
    device: str
    bounds: Mapping[str, Bounds]
    source: Trials
    threads: int = 1
    engines: Engines | None = None


@dataclass(frozen=True)
class Proof:
    """What the gate found of a tower.

    Args:
        model: Its name.
        verdicts: On every candidate, FP32 first.
        bounds: By precision.
        failed: Why, by name, where a recipe could not be carried out.
        resumed: Whether an earlier run found it.
        engines: Where the engine of each candidate is, by its name; none where the target has no engines.
    """

    model: str
    verdicts: tuple[Verdict, ...]
    bounds: Mapping[str, Bounds]
    failed: Mapping[str, str]
    resumed: bool
    engines: Mapping[str, Path] = field(default_factory=dict)

    def choose(self, rule: Rule, report: Path) -> Choice:
        """The candidate that serves.

        Raises:
            GateFailed: None may; names figure, bound, worst inputs and the report.
        """
        return choose(
            self.verdicts,
            rule.asked,
            allow_fallback=rule.allow_fallback,
            tower=self.model.removesuffix("_tower"),
            report=report,
            failed=self.failed,
        )


def prove(claim: Claim, rule: Rule, kept: Kept, start: Callable[[int], Advance]) -> Proof:
    """Make and judge the candidates of a tower, or read what an earlier run found.

    Args:
        claim: The tower.
        rule: How it is judged.
        kept: Results of earlier runs.
        start: Told how many steps there are; gives what is told of each that is done.

    Raises:
        BadEvaluation: Nothing can be judged by these inputs.
        BadCalibration: A precision was asked for that needs ranges, and there are no inputs.
    """
    trial = rule.source.trial(claim.kind)
    known = row_recipes() if claim.kind == "product" else recipes(rule.target, rule.device)
    tried = [one for one in known if _wanted(one.precision, rule)]
    inputs = {"graph": sha256(claim.graph), "target": [rule.target, rule.device], **claim.inputs}
    advance = start(len(tried) + work(trial, [Candidate("fp32", "all", claim.graph)] * (1 + len(tried))))
    made = kept.step(
        f"candidates.{claim.model}",
        inputs | {"recipes": [one.name for one in tried]},
        lambda folder: make_candidates(claim.graph, tried, lambda: _calibration(claim, rule), folder, advance),
    )
    candidates = read_candidates(made.folder)
    graphs = {one.name: sha256(one.graph) for one in candidates.made}
    bounds = {name: asdict(one) for name, one in rule.bounds.items()}
    asked = {"graphs": graphs, "bounds": bounds, "limits": asdict(rule.source.limits)}
    court = Court(claim, rule, trial, kept, {**inputs, **claim.judged_by, **asked}, advance, start)
    # A graph for TensorRT is judged as TensorRT rounds; its speed is its engine's.
    start_graph = claim.start if rule.engines is None else SimulatedTower
    judged = court.judge("gate", candidates.made, start_graph)
    proof = Proof(claim.model, judged.verdicts, rule.bounds, candidates.failed, made.resumed and judged.resumed)
    return proof if rule.engines is None else court.judge_engines(proof, rule.engines)


def _wanted(precision: str, rule: Rule) -> bool:
    return rule.asked in (AUTO, precision) or (rule.allow_fallback and rule.asked == "int8")


def _calibration(claim: Claim, rule: Rule) -> Calibration:
    try:
        return claim.calibrate()
    except BadCalibration as error:
        raise BadCalibration(f"{claim.model}: {error}; or release with precision fp32, got {rule.asked}") from error


@dataclass(frozen=True)
class Judged:
    """Verdicts, and whether an earlier run found them."""

    verdicts: tuple[Verdict, ...]
    resumed: bool


@dataclass(frozen=True)
class Court:
    """Judges candidates of one tower, or reads what was found before."""

    claim: Claim
    rule: Rule
    trial: Trial
    kept: Kept
    inputs: Mapping[str, object]
    advance: Advance
    start: Callable[[int], Advance]

    def judge(self, step: str, candidates: Sequence[Candidate], start: Open) -> Judged:
        """Verdicts on candidates as ``start`` opens them; what products truly are is told by ONNX Runtime over FP32."""

        def make(folder: Path) -> None:
            bench = Bench(start, self.rule.threads, SECONDS, self.claim.weigh(self.trial), self.claim.start)
            verdicts = evaluate(
                self.trial,
                self.claim.preparation,
                self.claim.reference(),
                candidates,
                bounds=self.rule.bounds,
                bench=bench,
                advance=self.advance,
            )
            content = [as_dict(verdict, cosines=True) for verdict in verdicts]
            (folder / VERDICTS).write_text(json.dumps(content), "utf-8")

        result = self.kept.step(f"{step}.{self.claim.model}", self.inputs, make)
        content: Sequence[Mapping[str, object]] = json.loads((result.folder / VERDICTS).read_text("utf-8"))
        verdicts = (from_dict(one, candidate.graph) for one, candidate in zip(content, candidates, strict=True))
        return Judged(tuple(verdicts), result.resumed)

    def judge_engines(self, proof: Proof, engines: Engines) -> Proof:
        """Engines of the graphs that passed, by the same gate; graphs that failed keep their verdicts."""
        model = self.claim.model
        passed = [verdict.candidate for verdict in proof.verdicts if verdict.passed]
        if all(one.precision != "fp32" for one in passed):
            return proof
        here = replace(self, inputs={**self.inputs, **engines.machine, "passed": [one.name for one in passed]})
        built = self.kept.step(
            f"engines.{model}",
            here.inputs,
            lambda folder: engines.build_all(model, passed, folder, self.start(PERCENT * len(passed))),
        )
        engined, broken = engines.built(built.folder, passed)
        plans = {one.name: sha256(path) for one in engined for path in engine_files(built.folder / one.name)}
        judged = replace(here, inputs={**here.inputs, "plans": plans}).judge(
            "engine-gate", engined, engines.opener(built.folder, engined)
        )
        failed = tuple(_untimed(verdict) for verdict in proof.verdicts if not verdict.passed)
        folders = {one.name: built.folder / one.name for one in engined}
        resumed = proof.resumed and built.resumed and judged.resumed
        told = {**proof.failed, **broken}
        return replace(proof, verdicts=judged.verdicts + failed, failed=told, resumed=resumed, engines=folders)


def _untimed(verdict: Verdict) -> Verdict:
    """Without the latencies of a simulation on a CPU, which say nothing of a GPU."""
    return replace(verdict, figures=replace(verdict.figures, latency_ms={}, latency_ratio={}))
