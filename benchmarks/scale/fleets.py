"""The tables of ``docs/scale.md`` about fleets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from benchmarks.scale.copies import Copy, Option
from benchmarks.scale.figures import Inputs
from benchmarks.scale.fleet import Fleet, Unfit, encode_s, options, plan
from benchmarks.scale.model import Assumptions, Demand
from benchmarks.scale.tables import markdown

REMEMBERED = (0.0, 0.5, 0.8)
HEAD = (
    "engine",
    "GPUs a copy",
    "copies",
    "GPUs",
    "machines",
    "GB a GPU",
    "GB a machine",
    "load",
    "`retrieve` p50 / p99 ms",
    "request p50 / p99 ms",
    "search",
)


def fleet(demand: Demand, inputs: Inputs, assumed: Assumptions) -> str:
    """One demand: the CPU engine, and each GPU with the way to keep rows that needs the fewest of them."""
    planned = [plan(demand, option, inputs, assumed) for option in options()]
    devices = dict.fromkeys(one.device for one in options())
    best = (_best([one for one in planned if _device(one) is device]) for device in devices)
    return markdown(HEAD, map(_line, best))


def encoding(rates: Iterable[int], inputs: Inputs, assumed: Assumptions) -> str:
    """Cores that turn texts into vectors, by what the tower's cache remembers."""

    def cores(rate: int, remembered: float) -> str:
        copy = Copy(inputs, assumed, Demand(1, rate, remembered=remembered), Option(), 0)
        return f"{ceil(rate * encode_s(copy) / assumed.busy):,}"

    rows = ((f"{rate:,}", *(cores(rate, share) for share in REMEMBERED)) for rate in rates)
    return markdown(("requests a second", *(f"{share:.0%} remembered" for share in REMEMBERED)), rows)


def _device(one: Fleet | Unfit) -> object:
    return (one.copy.option if isinstance(one, Fleet) else one.option).device


def _best(planned: Sequence[Fleet | Unfit]) -> Fleet | Unfit:
    fleets = [one for one in planned if isinstance(one, Fleet)]
    return min(fleets, key=lambda one: (one.gpus, one.machines), default=planned[-1])


def _line(one: Fleet | Unfit) -> tuple[str, ...]:
    if isinstance(one, Unfit):
        return _name(one.option), *[""] * (len(HEAD) - 2), one.reason
    copy = one.copy
    extra = f" ({one.encoding} encode)" if one.encoding else ""
    return (
        _name(copy.option),
        str(copy.gpus or ""),
        str(one.copies),
        f"{one.gpus:,}" if one.gpus else "",
        f"{one.machines:,}{extra}",
        f"{copy.device_gb:.0f}" if copy.gpus else "",
        f"{copy.host_gb:,.0f}",
        f"{one.load:.0%}",
        *(f"{served.ms(50):.1f} / {served.ms(99):.1f}" for served in (one.search, one.request)),
        f"[{copy.mark}]",
    )


def _name(option: Option) -> str:
    return "CPU engine" if option.device is None else f"{option.device.name}, {option.rows}"
