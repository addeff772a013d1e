"""The steps of a release that make its text and vision tower, hold them to their sources and choose their precision."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict

from ensemble.settings import SpaceSettings
from export import repository
from export.cases import text_cases, vision_cases
from export.check import Agreement
from export.checking import CheckedCatalogue
from export.decisions import FP32, Deciding, Decision
from export.errors import BadSource
from export.identity import space_id
from export.report.writer import REPORT
from export.sources import Source, held
from export.targets import GRAPH, TEXT, VISION
from export.work import Work, threads


def build_towers(work: Work) -> dict[str, Source]:
    """Make the FP32 graphs, by model."""
    file = work.plans.file
    tables = {TEXT: file.text.model_dump(mode="json"), VISION: file.vision.model_dump(mode="json")}
    towers = {}
    with work.recorder.step("towers", unit="towers") as step:
        advance = step.start(2)
        for model, plan in ((TEXT, work.plans.text), (VISION, work.plans.vision)):
            towers[model] = Source.of(model, plan, tables[model], work.kept)
            path = repository.place_graph(work.stage.models, model, work.stage.release, towers[model].graph)
            step.figures[f"{model}_bytes"] = path.stat().st_size
            step.resumed(towers[model].resumed)
            advance(1)
    return towers


def check_towers(work: Work, towers: Mapping[str, Source], checked: CheckedCatalogue) -> dict[str, Agreement]:
    """Hold the graphs to their sources.

    Raises:
        GateFailed: They differ; names the worst inputs.
    """
    plans, products = work.plans, checked.catalogue.products
    cases = {
        TEXT: lambda: text_cases(products, plans.text, plans.product),
        VISION: lambda: vision_cases(products, checked.pictures, plans.vision.settings),
    }
    agreements = {}
    with work.recorder.step("check") as step:
        for model, tower in towers.items():
            inputs = tower.inputs | checked.hashes | {"product": asdict(plans.product)}
            agreements[model], resumed = held(work.kept, model, tower, cases[model], inputs, threads=threads())
            step.figures[f"{model}_max_abs_diff"] = agreements[model].max_abs_diff
            step.figures[f"{model}_inputs"] = agreements[model].inputs
            step.resumed(resumed)
    return agreements


def deciding_of(work: Work, towers: Mapping[str, Source], checked: CheckedCatalogue) -> Deciding:
    """What decides in which precision towers serve."""
    release = work.stage.release
    failed = work.order.store / "failed" / f"{release:04d}" / REPORT
    return Deciding(work.order, work.plans, towers, checked, work.kept, threads(), release, failed)


def choose_precision(work: Work, deciding: Deciding) -> dict[str, Decision]:
    """Put the graphs in place that serve.

    Raises:
        GateFailed: A tower has no candidate that may serve.
    """
    with work.recorder.step("precision", unit="steps") as step:
        decisions = deciding.run(step.start)
        proofs = [decision.proof for decision in decisions.values() if decision.proof is not None]
        if proofs:
            step.resumed(all(proof.resumed for proof in proofs))
        for model, decision in decisions.items():
            path = repository.place_graph(work.stage.models, model, work.stage.release, decision.graph)
            if decision.name != FP32:
                repository.keep_reference(work.stage.folder, model, deciding.towers[model].graph)
            repository.keep(work.stage.folder / "candidates" / model, decision.kept_files)
            for file in decision.engine_files:
                shutil.copyfile(file, path.parent / file.name)
            step.figures[model] = decision.name
    return decisions


def space_of(work: Work, agreements: Mapping[str, Agreement]) -> SpaceSettings:
    """How queries meet rows.

    Raises:
        BadSource: The towers do not fit what is asked for.
    """
    asked = work.plans.file.space
    try:
        return SpaceSettings(
            space_id=space_id([work.version(model) / GRAPH for model in (TEXT, VISION)], work.plans),
            text_dim=agreements[TEXT].dim,
            image_dim=agreements[VISION].dim,
            shared=asked.shared,
            text_query=asked.text_query,
            image_query=asked.image_query,
        )
    except ValueError as error:
        raise BadSource(f"{work.order.towers}: [space] {error}") from error
