"""What earlier runs left, and what is therefore still to be done."""

from __future__ import annotations

from collections.abc import Sequence

from ensemble.settings import ProductSettings
from export.bulk.contents import contents_of
from export.bulk.folder import ShardFolder
from export.bulk.gathering import Gathering
from export.bulk.items import PictureFolder
from export.bulk.planning import Plan
from export.bulk.shards import Shard, read
from export.bulk.vectors import Vectors
from export.errors import DamagedShard


class Earlier:
    """The shards of a folder as a run finds them.

    Args:
        folder: The folder.
        row_dim: Length of a row.
        product: Which fields make a text.
        pictures: Where pictures are.
    """

    def __init__(self, folder: ShardFolder, row_dim: int, product: ProductSettings, pictures: PictureFolder) -> None:
        self.vectors = Vectors.of([*folder.shards(), *folder.earlier()], row_dim)
        self._folder, self._product, self._pictures = folder, product, pictures

    def begun(self, plan: Plan) -> Gathering | None:
        """What is known of a shard to be, and what is missing; None where it is there as it is to be.

        A shard that stands in its place and does not fit is set aside: most of its rows may be good elsewhere.
        """
        if not len(self.vectors):  # spares reading every picture twice
            return Gathering(plan, {}, set(range(len(plan.items))))
        contents = contents_of(plan.items, self._product, self._pictures)
        if self._stands(plan, contents):
            return None
        missing = {at for at, content in enumerate(contents) if content not in self.vectors}
        return Gathering(plan, dict(enumerate(contents)), missing)

    def _stands(self, plan: Plan, contents: Sequence[str]) -> bool:
        path = self._folder.path(plan.number)
        try:
            shard, _ = read(path)
        except DamagedShard:
            return False
        if _fits(shard, plan, contents):
            return True
        self.vectors.moved(path, self._folder.set_aside(path))
        return False


def _fits(shard: Shard, plan: Plan, contents: Sequence[str]) -> bool:
    ids = [item.product.id for item in plan.items]
    held = set(shard.ids)
    return (
        shard.number == plan.number
        and shard.made_of() == set(zip(ids, contents, strict=True))
        and shard.problems() == set(plan.problems)
        and [one for one in ids if one in held] == list(shard.ids)
    )
