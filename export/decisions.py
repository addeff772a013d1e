"""Decides in which precision each tower serves, and tells of it: in the manifest, in the report, in notes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.checking import CheckedCatalogue
from export.claims import Claims
from export.engines.trying import SUMMARY, TIMINGS, engine_files
from export.errors import BadCalibration, GateFailed, TooLittle
from export.gate.choose import AUTO, Choice
from export.gate.stored import as_dict
from export.identity import versions
from export.kept import Kept
from export.machine import machine
from export.order import Order, Plans
from export.proving import Claim, Proof, Rule, prove
from export.report.values import Report, TowerReport
from export.report.writer import write_report
from export.sources import Source
from export.targets import TEXT, VISION

Advance = Callable[[int], None]
FP32 = "fp32-source"
NAMES = {TEXT: "text", VISION: "vision"}


@dataclass(frozen=True)
class Decision:
    """The graph of one tower that serves.

    Args:
        graph: Its file.
        name: Precision and recipe, such as ``int8-by-token``.
        proof: What the gate found; ``None`` where FP32 was asked for, which is held to its source already.
        choice: Why it was chosen; ``None`` likewise.
        fell_back: Why it is not of the precision that was asked for; ``None`` where it is.
    """

    graph: Path
    name: str
    proof: Proof | None = None
    choice: Choice | None = None
    fell_back: str | None = None

    @classmethod
    def of(cls, proof: Proof, choice: Choice) -> Decision:
        """What the gate chose."""
        chosen = choice.verdict.candidate
        return cls(chosen.graph, chosen.name, proof, choice, choice.fell_back)

    @property
    def engine_files(self) -> list[Path]:
        """Plan and stamp of its engine; none where the target has no engines."""
        folder = None if self.proof is None else self.proof.engines.get(self.name)
        return [] if folder is None else engine_files(folder)

    @property
    def kept_files(self) -> dict[str, Path]:
        """What a release with engines keeps for those who build or measure them again: graphs, measured kernels."""
        if self.proof is None or not self.proof.engines:
            return {}
        graphs = {f"{one.candidate.name}.onnx": one.candidate.graph for one in self.proof.verdicts}
        timings = next(iter(self.proof.engines.values())).parent / TIMINGS
        return graphs | ({TIMINGS: timings} if timings.is_file() else {})

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        precision, _, recipe = self.name.partition("-")
        verdicts = () if self.proof is None else self.proof.verdicts
        return {
            "chosen": precision,
            "recipe": recipe,
            "fell_back": self.fell_back,
            "candidates": [as_dict(verdict) for verdict in verdicts],
            "not_made": {} if self.proof is None else dict(self.proof.failed),
        }


@dataclass(frozen=True)
class Deciding:
    """All that decisions follow from.

    Args:
        order: What is to be released.
        plans: The towers to be.
        towers: Their FP32 graphs.
        checked: The catalogue.
        kept: Results of earlier runs.
        threads: Of a run.
        release: Number of the release to be.
        report: Where the report goes where it fails.
    """

    order: Order
    plans: Plans
    towers: Mapping[str, Source]
    checked: CheckedCatalogue
    kept: Kept
    threads: int
    release: int
    report: Path

    def run(self, start: Callable[[int], Advance]) -> dict[str, Decision]:
        """Decide for the text and the vision tower.

        Raises:
            GateFailed: A tower has no candidate that may serve; the report is written where the error says.
            BadEvaluation: Nothing can be judged by these inputs.
        """
        shutil.rmtree(self.report.parent, ignore_errors=True)
        if not self.order.judged:
            return {model: Decision(tower.graph, FP32) for model, tower in self.towers.items()}
        claims = Claims(self.order, self.plans, self.towers, self.checked, self.threads)
        return self.decide(claims.of_towers(), claims.rule(), start, {})

    def decide(
        self,
        claims: Mapping[str, Claim],
        rule: Rule,
        start: Callable[[int], Advance],
        before: Mapping[str, Decision],
    ) -> dict[str, Decision]:
        """Decide for the towers of some claims.

        Args:
            claims: By model.
            rule: How they are judged.
            start: Told how many steps there are; gives what is told of each that is done.
            before: What was decided on other towers, for the report.

        Raises:
            GateFailed: As in ``run``.
            BadEvaluation: Likewise.
        """
        proofs: dict[str, Proof] = {}
        unproved: dict[str, str] = {}
        for model, claim in claims.items():
            try:
                proofs[model] = prove(claim, rule, self.kept, start)
            except (TooLittle, BadCalibration) as error:
                if rule.asked != AUTO or rule.engines is not None:
                    raise
                unproved[model] = f"nothing but FP32 can be proved: {error}"
        try:
            choices = {model: proof.choose(rule, self.report) for model, proof in proofs.items()}
        except GateFailed:
            undecided = {model: Decision(Path(), "", proof) for model, proof in proofs.items()}
            self.write_report(self.report, {**before, **undecided})
            raise
        plain = {model: Decision(claims[model].graph, FP32, fell_back=why) for model, why in unproved.items()}
        return plain | {model: Decision.of(proofs[model], choice) for model, choice in choices.items()}

    def write_report(self, path: Path, decisions: Mapping[str, Decision]) -> None:
        """Write ``report.html``, where anything was judged."""
        proofs = {model: one.proof for model, one in decisions.items() if one.proof is not None}
        if proofs:
            chosen = {model: one.choice for model, one in decisions.items() if one.choice is not None}
            more = [
                f"{model}: {one.fell_back}" for model, one in decisions.items() if one.proof is None and one.fell_back
            ]
            write_report(path, self._report(proofs, chosen, more))

    def _report(self, proofs: Mapping[str, Proof], chosen: Mapping[str, Choice], more: Sequence[str]) -> Report:
        return Report(
            release=self.release,
            target=self.order.target,
            towers=tuple(_told(proof, chosen.get(model)) for model, proof in proofs.items()),
            catalogue={
                "catalogue": self.order.catalogue,
                "products": len(self.checked.catalogue.products),
                "pictures": self.checked.pictures_count,
            },
            environment={**machine(), **versions()},
            notes=(*notes(proofs, chosen), *more),
            engines={
                f"{model}, {name}": json.loads((folder / SUMMARY).read_text("utf-8"))
                for model, proof in proofs.items()
                for name, folder in proof.engines.items()
            },
        )


def notes(proofs: Mapping[str, Proof], chosen: Mapping[str, Choice]) -> list[str]:
    """What a reader must know besides: precisions that were fallen back from, recipes that could not be carried out."""
    fell_back = [f"{model}: {one.fell_back}" for model, one in chosen.items() if one.fell_back]
    failed = [f"{model}, {name}: {why}" for model, proof in proofs.items() for name, why in proof.failed.items()]
    return fell_back + failed


def _told(proof: Proof, choice: Choice | None) -> TowerReport:
    used = {verdict.candidate.precision for verdict in proof.verdicts}
    bounds = {name: one for name, one in proof.bounds.items() if name in used}
    return TowerReport(proof.model, proof.verdicts, bounds, None if choice is None else choice.verdict.candidate.name)
