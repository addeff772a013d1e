"""The folder of a recommender: all that it reads beside its index."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ensemble.complement_head import ComplementHead
from ensemble.errors import DamagedRelease
from ensemble.product_tower import AnyProductTower, open_product_tower
from ensemble.settings import SpaceSettings
from ensemble.tasks.clusters import Clusters
from ensemble.tasks.names import CLUSTERS, COMPLEMENTS, POPULAR, TASKS
from ensemble.tasks.profiles import Profiles
from ensemble.tasks.settings import SETTINGS, RecommendSettings, read_settings
from ensemble.tasks.tables import Complements, Popular


@dataclass(frozen=True)
class Shop:
    """What a recommender knows.

    Args:
        space: Of the rows that the tower reads.
        recommend: Of the vectors that are searched.
        profiles: What may be asked for.
        tower: Gives new products their vectors.
        head: Makes queries for complementary categories; None where it was not trained.
        complements: Which categories go with which.
        popular: What is popular.
        clusters: Of the products; None where there are none.
    """

    space: SpaceSettings
    recommend: RecommendSettings
    profiles: Profiles
    tower: AnyProductTower
    head: ComplementHead | None = None
    complements: Complements = field(default_factory=Complements)
    popular: Popular = field(default_factory=Popular)
    clusters: Clusters | None = None

    @classmethod
    def open(cls, folder: Path) -> Shop:
        """Read a folder; of its files only ``settings.json`` must be there.

        Raises:
            DamagedRelease: A file cannot be used, or is of other dimensions; names it.
            BadProfiles: The file of profiles has mistakes; lists all.
        """
        space, recommend = read_settings(folder)
        tower, head = open_product_tower(folder, space), ComplementHead.open(folder)
        for name, dim in (("product tower", tower.dim), ("complement head", head.dim if head else recommend.dim)):
            if dim != recommend.dim:
                raise DamagedRelease(f"{folder / SETTINGS}: dim {recommend.dim}; the {name} has {dim}")
        return cls(
            space,
            recommend,
            Profiles.load(folder / TASKS if (folder / TASKS).is_file() else None),
            tower,
            head,
            Complements.load(folder / COMPLEMENTS),
            Popular.load(folder / POPULAR),
            Clusters.load(folder / CLUSTERS, recommend.dim),
        )
