"""Tells when live traffic is no longer what a release was made for.

``ensemble.observing`` samples the requests inside the models, ``export.baseline`` notes the same of known queries, and
this room compares the two: whether vectors, scores and inputs come from one distribution.
"""

from __future__ import annotations

from deploy.drift.encoding import release_encoder
from deploy.drift.errors import NoBaseline
from deploy.drift.metrics import DriftMetrics
from deploy.drift.monitor import Monitor
from deploy.drift.values import DriftReport, Statistic

__all__ = ["DriftMetrics", "DriftReport", "Monitor", "NoBaseline", "Statistic", "release_encoder"]
