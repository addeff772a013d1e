"""Errors of the sample room.

SampleError
└── SampleInputError    a setting that the generator cannot work with (also a ValueError)
"""

from __future__ import annotations


class SampleError(Exception):
    """Base of every error that this package raises on purpose."""


class SampleInputError(SampleError, ValueError):
    """A setting is outside what the generator allows; the message names it, its value and what is allowed."""
