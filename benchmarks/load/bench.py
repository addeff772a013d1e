"""What all parts of the measurement have in common: the server, the traffic, and the processes that send it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.load.director import BY
from benchmarks.load.plan import Plan
from deploy.keep.options import KeepOptions
from deploy.options import ServeOptions
from deploy.server import Server
from loadtest.arrivals.fleet import Fleet
from loadtest.arrivals.measured import Measured
from loadtest.arrivals.profiles import Profile, steady
from loadtest.arrivals.schedule import make_schedule
from loadtest.traffic.mix import Mix, Part, read_mix
from loadtest.traffic.requests import Traffic

TIMEOUT_S = 10.0
WARM_S = 5.0


@dataclass
class Bench:
    """A running server, and the load that it gets.

    Args:
        server: The server.
        traffic: The shop's mix.
        fleet: Sends it.
        plan: For how long.
        releases: The release that is live at first, and the other one.
    """

    server: Server
    traffic: Traffic
    fleet: Fleet
    plan: Plan
    releases: tuple[int, int]
    _seed: int = 0

    def load(self, rate: float | Profile, seconds: float = 0.0) -> Measured:
        """Send open arrivals; every run draws others of the same traffic."""
        self._seed += 1
        profile = rate if isinstance(rate, Profile) else steady(rate, seconds)
        return self.fleet.run(make_schedule(self.traffic, profile, self._seed))


def read_traffic(sample: Path, plan: Plan) -> Traffic:
    """The shop's mix over a sample, with writes that stream in beside it.

    Args:
        sample: Folder of ``catalogue.jsonl`` and ``photos``.
        plan: Tells how many different requests there are, and how many writes a second.

    Raises:
        BadTraffic: The sample cannot be used.
    """
    mix = replace(read_mix(), catalogue=sample / "catalogue.jsonl", pictures=sample / "photos")
    return Traffic.of(_cut(mix, plan.share, plan.writes_per_s))


def _cut(mix: Mix, share: float, writes_per_s: float) -> Mix:
    def less(part: Part) -> Part:
        return replace(part, distinct=max(10, round(share * part.distinct)))

    parts, writes = tuple(map(less, mix.parts)), tuple(map(less, mix.writes))
    return replace(mix, parts=parts, writes=writes, writes_per_s=writes_per_s)


@contextmanager
def serving(place: Path, sample: Path, plan: Plan, releases: tuple[int, int], processes: int) -> Iterator[Bench]:
    """Serve a store alone on this machine, and get the load ready; a little of it has warmed the server.

    Both releases are held, as a server does that can go back at once.

    Args:
        place: The store.
        sample: What the traffic is made from.
        plan: For how long it is measured.
        releases: The release that is served, and the other one.
        processes: How many send the load.
    """
    traffic = read_traffic(sample, plan)
    with ExitStack() as stack:
        options = ServeOptions(standby=False)
        log = place / "run" / "triton.log"
        server = stack.enter_context(Server(place, release=releases[0], keep=KeepOptions(), log=log, options=options))
        fleet = stack.enter_context(Fleet(server.grpc_url, traffic, processes=processes, timeout_s=TIMEOUT_S))
        bench = Bench(server, traffic, fleet, plan, releases)
        server.switchboard.activate(releases[1], BY, lambda _: None)
        server.switchboard.rollback(BY, lambda _: None)
        bench.load(plan.first_rps / 2, min(WARM_S, plan.step_s))
        yield bench
