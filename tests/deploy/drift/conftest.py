from __future__ import annotations

from tests.export.conftest import make, shop, sources, towers

__all__ = ["make", "shop", "sources", "towers"]
