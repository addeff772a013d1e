"""What can go wrong with drift detection.

DeployError
└── NoBaseline   the release has no baseline, or one that cannot be read
"""

from __future__ import annotations

from deploy.errors import DeployError


class NoBaseline(DeployError):
    """The release has nothing that its live traffic could be compared with."""
