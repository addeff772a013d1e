"""What can go wrong with a load test itself.

LoadError
├── BadTraffic     the queries that were asked for cannot be made
└── EmptyAnswer    the server answered with no products: counted as a failed request
"""

from __future__ import annotations


class LoadError(Exception):
    """Root of all errors raised by ``loadtest``."""


class BadTraffic(LoadError):
    """A file, a folder or an option that no queries can be made from; the message names it."""


class EmptyAnswer(LoadError):
    """An answer without products: no error to the server, but no load test should take it for success."""
