"""``docs/results/load.md``, from the figures of a run; pure but for the file that it writes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.load.cost import LOAD, PEAK_FACTOR, fleet
from benchmarks.load.goals import Goal, goals
from benchmarks.load.tables import markdown, tables

INTRODUCTION = """\
One server over the sample's release (2,000 products, INT8 towers where they passed their gate), with its keeper and
its living catalogue, under the shop's mix of [loadtest/mixes/shop.toml](../../loadtest/mixes/shop.toml): texts,
filters, photos, both, business scores; Zipf popularity, so that the towers remember the popular ones. {writes:g}
upserts and patches a second stream in beside, and a second release is held to go to. Arrivals are open: each request
has its time, latency counts from it, and who is slow is not asked less. Every answer is checked.
The load is made on the same machine, and takes its part of the two cores. `make bench-load` measures it all and
writes this page.\
"""

KNEE = """\
**The knee** is the highest rate that the server holds: no request fails, answers keep up with arrivals, p99 stays at
most {bound:g} ms. It is {rps:,.0f} searches a second; the search stops where a rate that holds for {step:g} s and one
that does not are {finest:.0%} apart, and what it found has to hold for {confirm:g} s, or else {finest:.0%} less.\
"""

COST = """\
**From here to {daily:,} a day**: that is {mean:,.0f} requests a second on average. Taken {peak_factor:g} times as
much in the busiest second (an assumption: shops sleep at night), {peak:,.0f}. With replicas planned for {load:.0%} of
their knee, so that half of them may be gone at the peak, that are **{replicas} replicas** of this size, two cores
each. A million requests take {core_s:,.0f} core-seconds, so that {busy:.1f} cores are at work on average; the rest is
paid for the peak and for failures. The load generator's own {generator:,.0f} core-seconds a million come on top here,
and are not the server's.\
"""

READING = """\
- **Sent late** tells of the generator: a request that it sends more than 10 ms after its time counts as slow from its
  time on, so its figures are never better than the truth.
- **Time of a request, by model** is Triton's own account, batches whole: a request in a batch of eight waits for all
  eight. The processor's time by process is from /proc.
- **Mixed answers**: before the switches every request was asked of each release alone. An answer has to have the
  scores of the release that it names. The second release has other towers of the same shapes, so that parts of both
  in one answer show as scores of neither.
- **Not answered at first**: refused, or no server was there. In the switches such a request is sent again, as the
  project's clients do: up to 6 tries with pauses of up to 0.4 to 2 s, and in ten seconds at most half as many retries
  as requests, and ten. Its latency counts from its time to the last answer. In all other parts a request is sent once,
  and a refused one has failed.
- **During switches** is the time of each activation, rollback and trial and a second after it; a supervised restart
  is counted apart.\
"""

UNKNOWN = """\
- One machine, two virtual cores that the load shares, no GPU: on a GPU the towers are no longer the slow step, and
  the knee is elsewhere.
- 2,000 products: the search costs next to nothing here. [retrieval.md](retrieval.md) tells what it costs at 500,000.
- The mix is ours, not a shop's log. The towers' memory answers a part of it; a shop with other habits has another
  knee.
- The network between callers and server was loopback; a load balancer and TLS were not in the way.
- A knee of one run, on a virtual machine whose neighbours are not known: within an hour one of 97 and one of 156
  (without writes and for 20 s) were found. Shares of the knee and ratios tell more than rates.\
"""


def render(figures: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        figures: As ``load.json`` has them.
    """
    plan = figures["plan"]
    introduction = INTRODUCTION.format(writes=plan["writes_per_s"])
    parts = ["# What one server carries", introduction, _verdict(goals(figures))]
    if "knee_rps" in figures:
        search = {"step": plan["step_s"], "confirm": plan["confirm_s"], "finest": plan["finest"]}
        parts.append(KNEE.format(bound=plan["p99_ms"], rps=figures["knee_rps"], **search))
    if "at_80" in figures and "knee_rps" in figures:
        parts.append(_cost(figures))
    parts += [markdown(titled) for titled in tables(figures)]
    parts += ["## How to read it", READING, "## What is not known", UNKNOWN, _machine(figures)]
    return "\n\n".join(map(_wrapped, parts)) + "\n"


def _verdict(found: list[Goal]) -> str:
    lines = ["| aim | found | |", "|---|---|---|"]
    return "\n".join(
        [*lines, *(f"| {one.what} | {one.found} | {'met' if one.met else '**missed**'} |" for one in found)]
    )


def _cost(figures: Mapping[str, Any]) -> str:
    part = figures["at_80"]
    found = fleet(figures["knee_rps"], part["core_s_per_million"])
    return COST.format(
        daily=found.daily, mean=found.mean_rps, peak_factor=PEAK_FACTOR, peak=found.peak_rps, load=LOAD,
        replicas=found.replicas, core_s=part["core_s_per_million"], busy=found.cores_busy,
        generator=part["generator_core_s_per_million"],
    )  # fmt: skip


def _machine(figures: Mapping[str, Any]) -> str:
    told = figures["measured"]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    where = f"{told['date'][:10]}; {told['processor']}, {told['cores']} cores, no GPU"
    return f"{where}; Python {told['python']}, {versions}. All figures: [load.json](load.json)."


def _wrapped(part: str) -> str:
    """Prose in lines of a readable length; tables and headings stay as they are."""
    if part.startswith(("#", "|")):
        return part
    items = part.replace("\n  ", " ").split("\n- ") if part.startswith("- ") else [part.replace("\n", " ")]
    bullets = [items[0], *(f"- {item}" for item in items[1:])]
    return "\n".join(textwrap.fill(one, 150, subsequent_indent="  " if one.startswith("- ") else "") for one in bullets)


def write(folder: Path, page: str, figures: str) -> Path:
    """Write the page and its figures into a folder of documents."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "load.json").write_text(figures, "utf-8")
    path = folder / "load.md"
    path.write_text(page, "utf-8")
    return path
