"""Makes a release, step by step; each step leaves its seconds and figures in the manifest."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
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
from export.checking import CheckedCatalogue
from export.configs import Facts
from export.embedding import Advance, Rows, embed
from export.engines.trying import require_builder
from export.identity import versions
from export.kept import FOLDER as KEPT
from export.kept import Kept, code
from export.manifests import Made, make_manifest
from export.order import Order, Plans
from export.origin import origin_of
from export.probe import Probe, make_probe
from export.queries import read_queries
from export.reading import BAD_ROWS, SKIPPED_ROWS, all_problems_listed, columns_of
from export.recommending.folder import INDEX, check_recommend
from export.recommending.probing import recommend_request
from export.recommending.steps import (
    Stock,
    check_product_tower,
    check_rows,
    choose_product_tower,
    write_release_recommender,
)
from export.report.writer import REPORT
from export.steps import Recorder
from export.store import move_models, move_release, moving, staging, uninterrupted
from export.targets import RECOMMENDER, RETRIEVE, TENSORRT, TEXT, VISION
from export.tower_steps import build_towers, check_towers, choose_precision, deciding_of, space_of
from export.work import Work, threads

ROWS = "rows.npy"


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
    check_recommend(plans.file.recommend)
    with origin_of(order.catalogue, order.store) as origin, staging(order.store) as stage:
        kept = Kept(order.store / KEPT, {**versions(), **code()})
        manifest = _Release(order, plans, origin, stage, Recorder(progress), kept).run()
        # The release is there; an interrupt now must not be told as if it were not.
        with suppress(KeyboardInterrupt):
            kept.clear()
    return manifest


class _Release(Work):
    """Its steps, and their order."""

    def run(self) -> Manifest:
        """Every step in its order; the manifest comes last."""
        checked = self._read()
        towers = build_towers(self)
        agreements = check_towers(self, towers, checked)
        deciding = deciding_of(self, towers, checked)
        decisions = choose_precision(self, deciding)
        space = space_of(self, agreements)
        check_product_tower(self, space)
        notes = self._write(space)
        rows = self._embed(checked, space)
        stock = Stock(checked, rows, space)
        notes += check_rows(self, stock)
        self._index(checked, rows, space)
        decisions |= choose_product_tower(self, stock, deciding, decisions)
        write_release_recommender(self, stock, decisions)
        deciding.write_report(self.stage.folder / REPORT, decisions)
        self._baseline(checked)
        made = Made(checked, agreements, decisions, space, notes)
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
            engines={model: compute_capabilities(self.version(model)) for model in (TEXT, VISION)},
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
        return (
            [repository.SHAPES_CHANGED.format(", ".join(changed), facts.release - 1, facts.release)] if changed else []
        )

    def _embed(self, checked: CheckedCatalogue, space: SpaceSettings) -> Rows:
        products, vectors = checked.catalogue.products, self.order.vectors
        with self.recorder.step("embed", unit="products") as step:
            advance = step.start(len(products))

            def make(folder: Path) -> None:
                encoders = Encoders.open(self.stage.models, self.stage.release, threads=threads())
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
            pipeline = Pipeline.open(self.stage.models, self.stage.release, threads=threads())
            step.figures.update(make_baseline(self.stage.folder / BASELINE, pipeline, known))

    def _probe(self, checked: CheckedCatalogue) -> Probe:
        shown = sorted(checked.catalogue.products, key=lambda product: product.image is None)
        picture = None if shown[0].image is None else checked.pictures.read(shown[0].image)
        with self.recorder.step("probe") as step:
            pipeline = Pipeline.open(self.stage.models, self.stage.release)
            made = make_probe(pipeline, shown, picture)
            recommended = recommend_request(self.version(RECOMMENDER), [product.id for product in shown])
            probe = replace(made, requests=[*made.requests, recommended])
            step.figures["requests"] = len(probe.requests)
            step.figures["products"] = len(probe.requests[0]["expected"]["PRODUCT_ID"])
        return probe

    def _settle(self, made: Made, rows: Rows, probe: Probe) -> Manifest:
        """Have the database hold what the index holds, write down which state that is, and put the release in place."""
        fields = self.plans.product.text
        space = Space(made.space.space_id, made.space.text_dim, made.space.image_dim, fields)
        with ExitStack() as late, moving(self.stage) as moves:
            with self.origin.settled(made.checked, space, rows) as state:
                for snapshot in (self._snapshot, self.version(RECOMMENDER) / INDEX):
                    stamp(snapshot, seq=state.seq, catalogue_id=state.catalogue_id)
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
        return self.version(RETRIEVE) / INDEX
