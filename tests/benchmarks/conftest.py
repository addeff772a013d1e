"""A tiny shop, towers for it, and what makes releases of it, as the tests of ``export`` have them."""

from __future__ import annotations

from tests.export.conftest import make, shop, sources, towers

__all__ = ["make", "shop", "sources", "towers"]
