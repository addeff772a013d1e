"""What is claimed of both towers of a release, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ensemble.hashing import sha256
from export.checking import CheckedCatalogue
from export.engines.options import text_profiles, vision_profiles
from export.engines.trying import Engines
from export.errors import BadQueries
from export.gate.inputs import Source as Inputs
from export.gate.inputs import split
from export.gate.preparation import text_preparation, vision_preparation
from export.identity import queries_id
from export.machine import machine
from export.order import Order, Plans
from export.precision.inputs import text_calibration, vision_calibration
from export.proving import Claim, Rule
from export.queries import Query, read_queries
from export.sources import Source
from export.targets import TENSORRT, TEXT, VISION
from export.weighing import Weighing


@dataclass(frozen=True)
class Claims:
    """Claims and rule of one release.

    Args:
        order: What is to be released.
        plans: The towers to be.
        towers: Their FP32 graphs, by model.
        checked: The catalogue.
        threads: Of a run.
    """

    order: Order
    plans: Plans
    towers: Mapping[str, Source]
    checked: CheckedCatalogue
    threads: int

    def rule(self) -> Rule:
        """How candidates of both are judged.

        Raises:
            BadQueries: A file of queries is not valid, or the gate would ask what calibration has seen.
            EngineFailed: The target needs engines, and none can be built here.
        """
        gate = self.plans.file.gate
        source = Inputs(
            self.checked.catalogue.products,
            self.checked.pictures,
            self.plans.product,
            self._held_out_queries(),
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
        return Engines.here(profiles, self.plans.file.engine)

    def of_towers(self) -> dict[str, Claim]:
        """One a model.

        Raises:
            BadQueries: The file of calibration queries is not valid.
        """
        text, vision = self.plans.text, self.plans.vision
        products, _held_out = split(self.checked.catalogue.products)
        queries = self._calibration_queries()
        weigh = self._weighing().of
        inputs, judged_by = self._inputs(), self._judged_by()
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
                judged_by,
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
                judged_by,
            ),
        }

    def _held_out_queries(self) -> list[Query]:
        path = self.order.queries or self.plans.file.gate.queries
        queries = [] if path is None else read_queries(path)
        seen = {_asked(query) for query in self._calibration_queries()}
        both = [f"{query.label}: calibration has it too" for query in queries if _asked(query) in seen]
        if both:
            raise BadQueries(str(path), both)
        return queries

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
            "calibration": queries_id(self.order.calibration or file.calibration.queries),
            "processor": machine()["processor"],
        }

    def _judged_by(self) -> dict[str, object]:
        file = self.plans.file
        return {
            "space": file.space.model_dump(),
            "queries": queries_id(self.order.queries or file.gate.queries),
            # What labelled queries are compared with has a half of each tower.
            "towers": [tower.inputs for tower in self.towers.values()],
        }


def _asked(query: Query) -> str:
    """Equal where two queries ask the same."""
    return str(query.text) if query.image is None else sha256(query.image)
