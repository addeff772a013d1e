"""Recommendations: similar products, complementary ones, and inspiration, by profiles of a file over one index."""

from ensemble.tasks.errors import BadProfiles
from ensemble.tasks.names import INPUTS, OUTPUTS
from ensemble.tasks.profile import Profile
from ensemble.tasks.profiles import DEFAULT_TASKS, Profiles
from ensemble.tasks.recommended import Recommended
from ensemble.tasks.recommender import Answered, Recommender, open_recommender
from ensemble.tasks.settings import RecommendSettings, read_settings, write_settings
from ensemble.tasks.shop import Shop

__all__ = [
    "DEFAULT_TASKS",
    "INPUTS",
    "OUTPUTS",
    "Answered",
    "BadProfiles",
    "Profile",
    "Profiles",
    "RecommendSettings",
    "Recommended",
    "Recommender",
    "Shop",
    "open_recommender",
    "read_settings",
    "write_settings",
]
