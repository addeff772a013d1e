"""How many machines a demand needs, and how fast they answer while one copy of the catalogue is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from benchmarks.scale.copies import REQUESTS, SEED, Copy, Option
from benchmarks.scale.figures import CPU_PRODUCTS, Inputs
from benchmarks.scale.memory import on_device, products_a_device
from benchmarks.scale.model import DEVICES, Assumptions, Demand, Rows
from benchmarks.scale.queueing import Served, batched, one_after_another, poisson, pooled

# Beyond this the CPU engine's time would be extrapolated too far.
MOST_CPU_PRODUCTS = 2 * CPU_PRODUCTS
# A request waits for the batch before its own, and both take longer when they are full.
ALONE = 1 / 3
MOST_COPIES = 200


@dataclass(frozen=True)
class Fleet:
    """What a demand needs.

    Args:
        copy: One copy of the catalogue.
        copies: How many there are, the one that may be lost included.
        encoding: Machines that only encode.
        search: Latency of ``retrieve`` with one copy lost.
        request: Latency of the whole request.
    """

    copy: Copy
    copies: int
    encoding: int
    search: Served
    request: Served

    @property
    def gpus(self) -> int:
        """Of all copies."""
        return self.copy.gpus * self.copies

    @property
    def machines(self) -> int:
        """Of all kinds."""
        return self.copy.machines * self.copies + self.encoding

    @property
    def load(self) -> float:
        """Share of what full batches could serve, with one copy lost."""
        return self.copy.demand.rate / (self.copy.capacity * (self.copies - 1))


@dataclass(frozen=True)
class Unfit:
    """Why an option cannot serve a demand.

    Args:
        option: The option.
        reason: What stands against it.
    """

    option: Option
    reason: str


def options() -> Iterable[Option]:
    """All that are compared: the CPU engine, and every GPU with each way to keep rows."""
    yield Option()
    yield from (Option(device, rows) for device in DEVICES for rows in Rows)


def plan(demand: Demand, option: Option, inputs: Inputs, assumed: Assumptions) -> Fleet | Unfit:
    """The smallest fleet that answers in time with one copy of the catalogue lost."""
    if option.device is None and demand.products > MOST_CPU_PRODUCTS:
        return Unfit(option, f"not extrapolated beyond {MOST_CPU_PRODUCTS:,} products")
    copies = list(_spread(demand, option, inputs, assumed))
    if not copies:
        return Unfit(option, f"a copy does not fit into {assumed.most_machines} machines")
    quick = [copy for copy in copies if copy.alone_s <= ALONE * 1e-3 * assumed.p99_ms]
    if not quick:
        slow = 1e3 * min(copy.alone_s for copy in copies)
        return Unfit(option, f"one search alone takes {slow:.0f} ms")
    found = [_sized(copy) for copy in _tried(quick)]
    fleets = [fleet for fleet in found if isinstance(fleet, Fleet)]
    return min(fleets, key=lambda fleet: (fleet.gpus, fleet.machines), default=found[0])


def _tried(quick: list[Copy]) -> list[Copy]:
    """The fewest GPUs that are quick enough without load, and more of them, with which fewer copies may do."""
    fewest = quick[0].gpus
    wanted = {fewest, ceil(1.5 * fewest), 2 * fewest}
    return [copy for copy in quick if copy.gpus in wanted]


def _spread(demand: Demand, option: Option, inputs: Inputs, assumed: Assumptions) -> Iterable[Copy]:
    """A copy over as few GPUs as hold it, and over more of them, which scan it sooner."""
    if option.device is None or option.rows is None:
        yield Copy(inputs, assumed, demand, option, 0)
        return
    each = sum(on_device(demand.dim, option.rows, int(inputs.column_count.value), assumed).values())
    fewest = ceil(demand.products / products_a_device(option.device, each, assumed, held=assumed.held))
    for gpus in range(fewest, assumed.most_machines * assumed.cards + 1):
        yield Copy(inputs, assumed, demand, option, gpus)


def _sized(copy: Copy) -> Fleet | Unfit:
    budget, slow, serving = copy.assumed.p99_ms, least_copies(copy) - 1, least_copies(copy)
    while (fleet := _fleet(copy, serving)).request.ms(99) > budget:
        if serving > MOST_COPIES:
            return Unfit(copy.option, f"the slowest hundredth takes {fleet.request.ms(99):.0f} ms however many copies")
        slow, serving = serving, 2 * serving
    while serving - slow > 1:
        middle = (slow + serving) // 2
        tried = _fleet(copy, middle)
        if tried.request.ms(99) > budget:
            slow = middle
        else:
            serving, fleet = middle, tried
    return fleet


def _fleet(copy: Copy, serving: int) -> Fleet:
    """With so many copies that serve; each machine has its share of the requests."""
    search = batched(poisson(copy.demand.rate / serving, REQUESTS, SEED), copy.service_s, copy.assumed.most_batch)
    encoding = _encoding(copy, serving)
    rate = copy.demand.rate / (serving * copy.machines + encoding)
    encoded = pooled(poisson(rate, REQUESTS, SEED + 1), encode_s(copy), copy.encoding_cores)
    return Fleet(copy, serving + 1, encoding, search, one_after_another(encoded, search, SEED))


def least_copies(copy: Copy) -> int:
    """Copies that must be there for the load alone."""
    return ceil(copy.demand.rate / (copy.assumed.busy * copy.capacity))


def encode_s(copy: Copy) -> float:
    """Seconds of a core from a text to its vector."""
    tower = copy.inputs.tower_ms.value * (1 - copy.demand.remembered)
    return 1e-3 * (tower + copy.inputs.around_ms.value)


def _encoding(copy: Copy, serving: int) -> int:
    """Machines that only encode, beside those that search."""
    needed = copy.demand.rate * encode_s(copy) / copy.assumed.busy
    left = needed - serving * copy.machines * copy.encoding_cores
    return max(0, ceil(left / (copy.assumed.cores - copy.assumed.kept_cores)))
