"""Makes a release, step by step; each step leaves its seconds and figures in the manifest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import Progress

from catalogue.database import Space
from catalogue.errors import write_problems
from ensemble.engine_stamp import compute_capabilities
from ensemble.hashing import sha256
from ensemble.index import IndexBuilder
from ensemble.index.stamping import stamp
from ensemble.pipeline import Encoders, Pipeline
from ensemble.release import MANIFEST, Manifest
from ensemble.settings import SpaceSettings
from export import repository
from export.baseline import BASELINE, known_queries, make_baseline
from export.bulk.manifest import MANIFEST as SHARDS
from export.bulk.manifest import BulkManifest
from export.bulk.taking import take
from export.cases import text_cases, vision_cases
from export.check import Agreement
from export.checking import CheckedCatalogue
from export.configs import Facts
from export.decisions import FP32, Deciding, Decision
from export.embedding import Advance, Rows, embed
from export.engines.trying import require_builder
from export.errors import BadSource
from export.identity import space_id, versions
from export.kept import FOLDER as KEPT
from export.kept import Kept, code
from export.manifests import Made, make_manifest
from export.order import Order, Plans
from export.origin import Origin, origin_of
from export.probe import Probe, make_probe
from export.queries import read_queries
from export.reading import BAD_ROWS, SKIPPED_ROWS, all_problems_listed, columns_of
from export.report.writer import REPORT
from export.sources import Source, held
from export.steps import Recorder
from export.store import Staging, move_models, move_release, moving, staging, uninterrupted
from export.targets import TENSORRT, TEXT, VISION

ROWS = "rows.npy"
MAX_THREADS = 8
SHAPES_CHANGED = (
    "Shapes or backends of {} differ from release {}, and versions of a model share them: only release {} is loaded. "
    "Roll replicas instead of switching in place."
)


def make_release(order: Order, progress: Progress) -> Manifest:
    """Make the next release of a store; when anything fails, what the store serves is as it was before.

    At the very end the database commits, then the release's folder gets its name. Were the machine to stop between the
    two, the catalogue would be the new one and the release missing: make it again.

    Steps that were finished by a run that failed or was interrupted are taken from it, where their inputs are the same.

    Args:
        order: What is to be released.
        progress: Where steps are shown.

    Raises:
        ExportError: As its tree says.
        CatalogueError: The catalogue cannot be used.
    """
    if order.target == TENSORRT:
        require_builder()
    if order.vectors is not None:
        BulkManifest.load(order.vectors)  # told before the long work begins
    plans = Plans.of(order.towers)
    with origin_of(order.catalogue, order.store) as origin, staging(order.store) as stage:
        kept = Kept(order.store / KEPT, {**versions(), **code()})
        manifest = _Work(order, plans, origin, stage, Recorder(progress), kept).run()
        # The release is there; an interrupt now must not be told as if it were not.
        with suppress(KeyboardInterrupt):
            kept.clear()
    return manifest


@dataclass(frozen=True)
class _Work:
    """One release in the making, in its staging folder."""

    order: Order
    plans: Plans
    origin: Origin
    stage: Staging
    recorder: Recorder
    kept: Kept

    def run(self) -> Manifest:
        """Every step in its order; the manifest comes last."""
        checked = self._read()
        towers = self._build()
        agreements = self._check(towers, checked)
        decisions = self._precision(towers, checked)
        space = self._space(agreements)
        made = Made(checked, agreements, decisions, space, self._write(space))
        rows = self._embed(checked, space)
        self._index(checked, rows, space)
        self._baseline(checked)
        return self._settle(made, rows, self._probe(checked))

    def _read(self) -> CheckedCatalogue:
        plans = self.plans
        columns = columns_of(plans.file, self.order.towers, self.order.columns)
        limits = (plans.text.settings, plans.vision.settings, plans.product)
        skip = self.order.skip_bad_rows
        with self.recorder.step("catalogue", unit="products") as step:
            with all_problems_listed(self.order.store / BAD_ROWS):
                checked = self.origin.read(columns, limits, skip_bad_rows=skip, start=step.start)
            if checked.catalogue.skipped:
                write_problems(self.stage.folder / SKIPPED_ROWS, checked.catalogue.skipped)
            step.figures["products"] = len(checked.catalogue.products)
            step.figures["pictures"] = checked.pictures_count
            step.figures["skipped_rows"] = checked.catalogue.skipped_rows
        return checked

    def _build(self) -> dict[str, Source]:
        towers = {}
        with self.recorder.step("towers", unit="towers") as step:
            advance = step.start(2)
            for model, plan in ((TEXT, self.plans.text), (VISION, self.plans.vision)):
                towers[model] = Source.of(model, plan, self._table(model), self.kept)
                path = repository.place_graph(self.stage.models, model, self.stage.release, towers[model].graph)
                step.figures[f"{model}_bytes"] = path.stat().st_size
                step.resumed(towers[model].resumed)
                advance(1)
        return towers

    def _check(self, towers: Mapping[str, Source], checked: CheckedCatalogue) -> dict[str, Agreement]:
        plans, products = self.plans, checked.catalogue.products
        cases = {
            TEXT: lambda: text_cases(products, plans.text, plans.product),
            VISION: lambda: vision_cases(products, checked.pictures, plans.vision.settings),
        }
        agreements = {}
        with self.recorder.step("check") as step:
            for model, tower in towers.items():
                inputs = tower.inputs | checked.hashes | {"product": asdict(plans.product)}
                agreements[model], resumed = held(self.kept, model, tower, cases[model], inputs, threads=_threads())
                step.figures[f"{model}_max_abs_diff"] = agreements[model].max_abs_diff
                step.figures[f"{model}_inputs"] = agreements[model].inputs
                step.resumed(resumed)
        return agreements

    def _precision(self, towers: Mapping[str, Source], checked: CheckedCatalogue) -> dict[str, Decision]:
        """Put the graphs in place that serve."""
        release = self.stage.release
        failed = self.order.store / "failed" / f"{release:04d}" / REPORT
        deciding = Deciding(self.order, self.plans, towers, checked, self.kept, _threads(), release, failed)
        with self.recorder.step("precision", unit="steps") as step:
            decisions = deciding.run(step.start)
            proofs = {model: one.proof for model, one in decisions.items() if one.proof is not None}
            if proofs:
                chosen = {model: one.choice for model, one in decisions.items() if one.choice is not None}
                plain = [f"{model}: {one.fell_back}" for model, one in decisions.items() if one.proof is None]
                deciding.write_report(self.stage.folder / REPORT, proofs, chosen, plain)
                step.resumed(all(proof.resumed for proof in proofs.values()))
            for model, decision in decisions.items():
                path = repository.place_graph(self.stage.models, model, self.stage.release, decision.graph)
                if decision.name != FP32:
                    repository.keep_reference(self.stage.folder, model, towers[model].graph)
                repository.keep(self.stage.folder / "candidates" / model, decision.kept_files)
                for file in decision.engine_files:
                    shutil.copyfile(file, path.parent / file.name)
                step.figures[model] = decision.name
        return decisions

    def _space(self, agreements: Mapping[str, Agreement]) -> SpaceSettings:
        asked = self.plans.file.space
        try:
            return SpaceSettings(
                space_id=space_id([self._version(model) / "model.onnx" for model in (TEXT, VISION)], self.plans),
                text_dim=agreements[TEXT].dim,
                image_dim=agreements[VISION].dim,
                shared=asked.shared,
                text_query=asked.text_query,
                image_query=asked.image_query,
            )
        except ValueError as error:
            raise BadSource(f"{self.order.towers}: [space] {error}") from error

    def _write(self, space: SpaceSettings) -> list[str]:
        """Write the repository; returns what someone who switches to this release must know."""
        text, image = self.plans.text, self.plans.vision
        order = self.order
        facts = Facts(
            self.stage.release,
            None,
            text.settings,
            image.settings,
            space,
            target=order.target,
            device=order.device,
            engines={model: compute_capabilities(self._version(model)) for model in (TEXT, VISION)},
        )
        sections: dict[str, repository.Settings] = {
            "text": text.settings,
            "image": image.settings,
            "product": self.plans.product,
            "space": space,
        }
        with self.recorder.step("repository") as step:
            configs = repository.source_configs()
            kept, changed = repository.version_to_keep(self.order.store, configs, facts)
            repository.write_settings(self.stage.models, facts.release, sections, text.tokenizer)
            repository.write_models(self.stage.models, configs, replace(facts, kept=kept))
            repository.copy_shared(self.stage.models, self.stage.folder / "models")
            version_compatible = self.plans.file.engine.version_compatible
            repository.write_flags(self.stage.folder, configs, facts, version_compatible=version_compatible)
            step.figures["models"] = len(configs)
            step.figures["version_kept"] = kept or 0
        return [SHAPES_CHANGED.format(", ".join(changed), facts.release - 1, facts.release)] if changed else []

    def _embed(self, checked: CheckedCatalogue, space: SpaceSettings) -> Rows:
        products, vectors = checked.catalogue.products, self.order.vectors
        with self.recorder.step("embed", unit="products") as step:
            advance = step.start(len(products))

            def make(folder: Path) -> None:
                encoders = Encoders.open(self.stage.models, self.stage.release, threads=_threads())
                np.save(folder / ROWS, self._rows(encoders, checked, space, advance))

            engines = {str(path): sha256(path) for path in sorted(self.stage.models.glob("*_tower/*/*.plan"))}
            inputs = {
                "space": space.space_id,
                "product": asdict(self.plans.product),
                "engines": engines,
                **checked.hashes,
                **({} if vectors is None else {"vectors": sha256(vectors / SHARDS)}),
            }
            result = self.kept.step("rows", inputs, make)
            rows: Rows = np.load(result.folder / ROWS, allow_pickle=False)
            step.resumed(result.resumed)
            step.figures["products"], step.figures["row_dim"] = rows.shape
        return rows

    def _rows(self, encoders: Encoders, checked: CheckedCatalogue, space: SpaceSettings, advance: Advance) -> Rows:
        products, vectors = checked.catalogue.products, self.order.vectors
        if vectors is None:
            return embed(encoders, products, checked.pictures, advance)
        return take(vectors, space.space_id, encoders, products, checked.pictures, advance)

    def _index(self, checked: CheckedCatalogue, rows: Rows, space: SpaceSettings) -> None:
        with self.recorder.step("index") as step:
            builder = IndexBuilder(space, kinds=self.origin.kinds)
            builder.add(checked.documents(), rows)
            builder.save(self._snapshot)
            step.figures["bytes"] = sum(path.stat().st_size for path in self._snapshot.iterdir())

    def _baseline(self, checked: CheckedCatalogue) -> None:
        path = self.order.queries or self.plans.file.gate.queries
        with self.recorder.step("baseline") as step:
            known = known_queries([] if path is None else read_queries(path), checked)
            pipeline = Pipeline.open(self.stage.models, self.stage.release, threads=_threads())
            step.figures.update(make_baseline(self.stage.folder / BASELINE, pipeline, known))

    def _probe(self, checked: CheckedCatalogue) -> Probe:
        shown = sorted(checked.catalogue.products, key=lambda product: product.image is None)
        picture = None if shown[0].image is None else checked.pictures.read(shown[0].image)
        with self.recorder.step("probe") as step:
            pipeline = Pipeline.open(self.stage.models, self.stage.release)
            probe = make_probe(pipeline, shown, picture)
            step.figures["requests"] = len(probe.requests)
            step.figures["products"] = len(probe.requests[0]["expected"]["PRODUCT_ID"])
        return probe

    def _settle(self, made: Made, rows: Rows, probe: Probe) -> Manifest:
        """Have the database hold what the index holds, write down which state that is, and put the release in place."""
        fields = self.plans.product.text
        space = Space(made.space.space_id, made.space.text_dim, made.space.image_dim, fields)
        with ExitStack() as late, moving(self.stage) as moves:
            with self.origin.settled(made.checked, space, rows) as state:
                stamp(self._snapshot, seq=state.seq, catalogue_id=state.catalogue_id)
                probe.write(self.stage.folder / "probe", state.seq)
                manifest = make_manifest(self.order, self.plans, self.stage, self.recorder, made, state)
                manifest.save(self.stage.folder / MANIFEST)
                move_models(self.stage, moves)
                late.enter_context(uninterrupted())
            # Only when the database has committed: an index must not know more than the database that it follows.
            move_release(self.stage, moves)
        return manifest

    @property
    def _snapshot(self) -> Path:
        return self._version("retrieve") / "index"

    def _table(self, model: str) -> dict[str, object]:
        file = self.plans.file
        return (file.text if model == TEXT else file.vision).model_dump(mode="json")

    def _version(self, model: str) -> Path:
        return repository.version_folder(self.stage.models, model, self.stage.release)


def _threads() -> int:
    return min(os.cpu_count() or 1, MAX_THREADS)
