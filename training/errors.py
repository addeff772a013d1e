"""Errors of the training room.

TrainingError
├── TrainingInputError    a file or a setting that training cannot work with (also a ValueError)
└── CheckpointError       a checkpoint does not fit the run that wants to resume from it (also a ValueError)
"""

from __future__ import annotations


class TrainingError(Exception):
    """Base of every error that this package raises on purpose."""


class TrainingInputError(TrainingError, ValueError):
    """A setting or an input file is wrong; the message names it, what was found and what is allowed."""


class CheckpointError(TrainingError, ValueError):
    """A checkpoint comes from another model or recipe."""
