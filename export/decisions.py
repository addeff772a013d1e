"""Decides in which precision each tower serves, and tells of it: in the manifest, in the report, in notes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from export.engines.options import text_profiles, vision_profiles
from export.engines.trying import SUMMARY, Engines, engine_files
from export.errors import BadCalibration, GateFailed, TooLittle
from export.gate.choose import AUTO, Choice
from export.gate.inputs import Source as Inputs
from export.gate.inputs import split
from export.gate.preparation import text_preparation, vision_preparation
from export.gate.stored import as_dict
from export.identity import queries_id, versions
from export.kept import Kept
from export.machine import machine
from export.order import Order, Plans
from export.precision.inputs import text_calibration, vision_calibration
from export.proving import Claim, Proof, Rule, prove
from export.queries import Query, read_queries
from export.reading import CheckedCatalogue
from export.report.values import Report, TowerReport
from export.report.writer import write_report
from export.sources import Source
from export.targets import TENSORRT, TEXT, VISION
from export.weighing import Weighing

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
        """Decide for both towers.

        Raises:
            GateFailed: A tower has no candidate that may serve; the report is written where the error says.
            BadEvaluation: Nothing can be judged by these inputs.
        """
        if self.order.precision == "fp32" and self.order.target != TENSORRT:
            return {model: Decision(tower.graph, FP32) for model, tower in self.towers.items()}
        rule = self._rule()
        proofs: dict[str, Proof] = {}
        unproved: dict[str, str] = {}
        for model, claim in self._claims().items():
            try:
                proofs[model] = prove(claim, rule, self.kept, start)
            except (TooLittle, BadCalibration) as error:
                if self.order.precision != AUTO:
                    raise
                unproved[model] = f"nothing but FP32 can be proved: {error}"
        try:
            choices = {model: proof.choose(rule, self.report) for model, proof in proofs.items()}
        except GateFailed:
            self.write_report(self.report, proofs, {})
            raise
        self.report.unlink(missing_ok=True)
        plain = {model: Decision(self.towers[model].graph, FP32, fell_back=why) for model, why in unproved.items()}
        return plain | {model: Decision.of(proofs[model], choice) for model, choice in choices.items()}

    def write_report(self, path: Path, proofs: Mapping[str, Proof], chosen: Mapping[str, Choice]) -> None:
        """Write ``report.html``."""
        write_report(
            path,
            Report(
                release=self.release,
                target=self.order.target,
                towers=tuple(_told(proof, chosen.get(model)) for model, proof in proofs.items()),
                catalogue={
                    "catalogue": self.order.catalogue,
                    "products": len(self.checked.catalogue.products),
                    "pictures": self.checked.pictures_count,
                },
                environment={**machine(), **versions()},
                notes=tuple(notes(proofs, chosen)),
                engines={
                    f"{model}, {name}": json.loads((folder / SUMMARY).read_text("utf-8"))
                    for model, proof in proofs.items()
                    for name, folder in proof.engines.items()
                },
            ),
        )

    def _rule(self) -> Rule:
        gate = self.plans.file.gate
        queries = self.order.queries or gate.queries
        source = Inputs(
            self.checked.catalogue.products,
            self.checked.pictures,
            self.plans.product,
            () if queries is None else read_queries(queries),
            gate.limits,
        )
        order = self.order
        return Rule(
            order.precision,
            order.allow_precision,
            order.target,
            order.device,
            gate.bounds,
            source,
            self.threads,
            self._engines() if order.target == TENSORRT else None,
        )

    def _engines(self) -> Engines:
        profiles = {
            TEXT: text_profiles(self.plans.text.settings.buckets),
            VISION: vision_profiles(self.plans.vision.settings.size),
        }
        return Engines.here(profiles)

    def _claims(self) -> dict[str, Claim]:
        text, vision = self.plans.text, self.plans.vision
        products, _held_out = split(self.checked.catalogue.products)
        queries = self._calibration_queries()
        weigh = self._weighing().of
        inputs = self._inputs()
        towers = self.towers
        return {
            TEXT: Claim(
                TEXT,
                "text",
                towers[TEXT].graph,
                lambda: towers[TEXT].reference,
                text_preparation(text.tokenizer, text.settings),
                lambda: text_calibration(products, queries, text, self.plans.product),
                weigh,
                inputs | towers[TEXT].inputs,
            ),
            VISION: Claim(
                VISION,
                "vision",
                towers[VISION].graph,
                lambda: towers[VISION].reference,
                vision_preparation(vision.settings),
                lambda: vision_calibration(products, self.checked.pictures, queries, vision.settings),
                weigh,
                inputs | towers[VISION].inputs,
            ),
        }

    def _calibration_queries(self) -> list[Query]:
        path = self.order.calibration or self.plans.file.calibration.queries
        return [] if path is None else read_queries(path)

    def _weighing(self) -> Weighing:
        return Weighing(
            self.plans.file.space,
            {product.id: product for product in self.checked.catalogue.products},
            self.checked.pictures,
            self.plans.text,
            self.plans.vision,
            self.plans.product,
            {model: tower.graph for model, tower in self.towers.items()},
            self.threads,
        )

    def _inputs(self) -> dict[str, object]:
        file = self.plans.file
        return {
            **self.checked.hashes,
            "product": asdict(self.plans.product),
            "space": file.space.model_dump(),
            "queries": queries_id(self.order.queries or file.gate.queries),
            "calibration": queries_id(self.order.calibration or file.calibration.queries),
            "processor": machine()["processor"],
            # What labelled queries are compared with has a half of each tower.
            "towers": [tower.inputs for tower in self.towers.values()],
        }


def notes(proofs: Mapping[str, Proof], chosen: Mapping[str, Choice]) -> list[str]:
    """What a reader must know besides: precisions that were fallen back from, recipes that could not be carried out."""
    fell_back = [f"{model}: {one.fell_back}" for model, one in chosen.items() if one.fell_back]
    failed = [f"{model}, {name}: {why}" for model, proof in proofs.items() for name, why in proof.failed.items()]
    return fell_back + failed


def _told(proof: Proof, choice: Choice | None) -> TowerReport:
    used = {verdict.candidate.precision for verdict in proof.verdicts}
    bounds = {name: one for name, one in proof.bounds.items() if name in used}
    return TowerReport(proof.model, proof.verdicts, bounds, None if choice is None else choice.verdict.candidate.name)
