"""Embeds a catalogue: what is whole already is left alone, and only what is missing or changed is embedded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rich.progress import Progress

from catalogue import BadRow, Columns
from export.bulk.cluster import cluster, workers_of
from export.bulk.earlier import Earlier
from export.bulk.folder import BAD_ROWS, ShardFolder
from export.bulk.gathering import Gathering, finished
from export.bulk.items import PictureFolder, Source, source_of
from export.bulk.manifest import BulkManifest, ShardFile
from export.bulk.order import BulkOrder
from export.bulk.planning import cut, parts, refuse, survey
from export.bulk.released import Released
from export.bulk.running import embedded
from export.bulk.same import made_by
from export.bulk.shards import Stamp
from export.bulk.worker import Setup
from export.reading import all_problems_listed

# What waits for workers at once, as they get it; the rest of the catalogue is not in memory meanwhile.
WINDOW_BYTES = 256 << 20

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Args:
        manifest: Of the folder, which is whole now.
        kept: Shards that were there as they were to be.
        taken: Rows that were taken from shards that were not.
        embedded: Products that workers looked at.
    """

    manifest: BulkManifest
    kept: int
    taken: int
    embedded: int


@dataclass
class _Counts:
    shards: int = 0
    kept: int = 0
    taken: int = 0
    embedded: int = 0


def embed_catalogue(order: BulkOrder, progress: Progress) -> Summary:
    """Embed a catalogue; a run that breaks off leaves whole shards, and the next one goes on from there.

    What is wrong with rows and texts is told before anything is embedded. Pictures that cannot be used are told all at
    once when the rest is embedded; the next run finds the rest done.

    Args:
        order: What is to be embedded.
        progress: Where it is shown.

    Raises:
        ExportError: As its tree says.
        CatalogueError: The catalogue cannot be used; ``BadRows`` lists every problem.
        DamagedRelease: A file of the release is missing, or not what was released.
    """
    released = Released.of(order.store, order.release)
    columns = Columns.load(order.columns) if order.columns else Columns()
    folder = ShardFolder(order.out)
    with source_of(order.catalogue, order.store, columns) as source, folder.locked(), ExitStack() as stack:
        folder.check(Stamp(released.space.space_id, source.identity, released.space.row_dim))
        stack.enter_context(all_problems_listed(order.out / BAD_ROWS))
        found = survey(source, released.text, released.product)
        refuse(source, found.problems, skip_bad_rows=order.skip_bad_rows)
        task = progress.add_task("embed", total=found.products, unit="products")
        return _Run(order, released, source, folder, stack, lambda count: progress.advance(task, count)).whole()


@dataclass
class _Run:
    """One run; Ray is only started when there is something to embed, and ends with the stack."""

    order: BulkOrder
    released: Released
    source: Source
    folder: ShardFolder
    stack: ExitStack
    advance: Advance
    counts: _Counts = field(default_factory=_Counts)

    @cached_property
    def stamp(self) -> Stamp:
        return Stamp(self.released.space.space_id, self.source.identity, self.released.space.row_dim)

    @cached_property
    def earlier(self) -> Earlier:
        pictures = PictureFolder(self.source.pictures, self.released.image.max_bytes)
        return Earlier(self.folder, self.stamp.row_dim, self.released.product, pictures)

    @cached_property
    def ray(self) -> Any:
        address = None if self.order.is_local else self.order.ray
        return self.stack.enter_context(cluster(address, self.order.workers))

    @cached_property
    def setup(self) -> Setup:
        return Setup(self.released.files(), self.released.number, self.source.pictures, made_by())

    def whole(self) -> Summary:
        """Go through the catalogue, some shards at a time."""
        waiting: list[Gathering] = []
        work: list[Any] = []
        for plan in cut(self.source.items(), self.order.shard_rows):
            self.counts.shards += 1
            if (gathering := self._begun(plan)) is None:
                continue
            waiting.append(gathering)
            work += self._parts(gathering)
            if sum(part.nbytes for part in work) >= WINDOW_BYTES:
                self._make(waiting, work)
                waiting, work = [], []
        self._make(waiting, work)
        return self._settled()

    def _begun(self, plan: Any) -> Gathering | None:
        gathering = self.earlier.begun(plan)
        done = len(plan.items) - (0 if gathering is None else len(gathering.missing))
        self.counts.kept += gathering is None
        self.counts.taken += done if gathering is not None else 0
        self.advance(done)
        return gathering

    def _parts(self, gathering: Gathering) -> list[Any]:
        """The work that a shard is; a product whose picture went since the catalogue was read is left out."""
        plan, pictures = gathering.plan, dict[int, bytes]()
        for at in sorted(gathering.missing):
            if plan.items[at].uploaded is None:
                continue
            picture = self.source.picture(plan.items[at], self.released.image.max_bytes)
            if picture is None:
                gathering.leave_out(at)
            else:
                pictures[at] = picture
        return parts(plan, sorted(gathering.missing), pictures, self.order.batch, self.released.product)

    def _make(self, waiting: list[Gathering], work: list[Any]) -> None:
        for gathering in waiting:
            if gathering.whole:
                self._put(gathering)
        if not work:
            return
        setup = self.setup
        tables = embedded(self.ray, work, setup, workers_of(self.ray, self.order.workers))
        for count, made in finished(tables, waiting):
            self.counts.embedded += count
            self.advance(count)
            if made is not None:
                self._put(made)

    def _put(self, gathering: Gathering) -> None:
        self.folder.put(gathering.shard(self.earlier.vectors), self.stamp)

    def _settled(self) -> Summary:
        """Read every shard once more, and say that they are whole."""
        files: list[ShardFile] = []
        failures: list[BadRow] = []
        for number in range(self.counts.shards):
            entry, shard = self.folder.entry(number)
            files.append(entry)
            failures += [one.problem for one in shard.refused]
        refuse(self.source, failures, skip_bad_rows=self.order.skip_bad_rows)
        manifest = self._manifest(files, failures)
        self.folder.finish(manifest)
        return Summary(manifest, self.counts.kept, self.counts.taken, self.counts.embedded)

    def _manifest(self, files: list[ShardFile], failures: list[BadRow]) -> BulkManifest:
        space = self.released.space
        return BulkManifest(
            space.space_id,
            self.released.number,
            space.text_dim,
            space.image_dim,
            space.row_dim,
            self.released.product.text,
            self.released.image.max_bytes,
            self.source.identity,
            sum(one.rows for one in files),
            tuple(files),
            tuple(failures),
        )
