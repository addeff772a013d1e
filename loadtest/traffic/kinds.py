"""The kinds of requests. This is the place where a kind is added.

A kind is a function from what requests are made of (`Material`) and a number to one `Asked`: the same number gives the
same request. It is entered into `KINDS` under the name that mix files use; checks, locust users, open arrivals and the
report know of it then. What neither searches nor recommendations cover, as a call to another model with an answer of
its own, needs a `Judge` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from loadtest.traffic.asked import Kind
from loadtest.traffic.recommending import RECOMMENDATIONS
from loadtest.traffic.searches import SEARCHES
from loadtest.traffic.writing import WRITES

KINDS: Mapping[str, Kind] = MappingProxyType({
    kind.name: kind for kind in (*SEARCHES, *RECOMMENDATIONS, *WRITES)
})  # fmt: skip
