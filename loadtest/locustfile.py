"""Closed users for locust, over gRPC or HTTP: each sends its next request when the last one was answered.

    python -m loadtest users --users 32 --seconds 60                            # starts locust as below
    python -m locust -f loadtest/locustfile.py GrpcUser --headless -u 32 -r 32 -t 60s
    python -m locust -f loadtest/locustfile.py HttpUser --http-url http://localhost:8000

``-u`` is the number of requests in flight, so a server that is slow is asked less: what a shop's visitors would feel
is measured by open arrivals (``python -m loadtest run``). What is sent comes from the same mix file. Requests are not
tried again; an answer that does not pass a check on its content is a failed request under the name of the check. Making
a photo takes this process about 1 ms, outside the time that is reported; requests are kept for when they come again.

**Several processes, several machines.** One process drives one core. Workers connect to a master, which adds up:

    python -m loadtest users --master --expect-workers 2 --users 64 --seconds 60 --slo loadtest/promises/shop.toml
    python -m loadtest users --worker                                           # twice, on any machine
    python -m loadtest users --worker --master-host 10.0.0.7                    # where the master is another one

Every worker needs the files of the mix at the same place; it makes requests of its own, drawn by its own seed. The
master listens at 127.0.0.1, or where ``--bind`` says, port 5557, without access control: keep that inside. On one
machine ``--processes N`` does all of it at once.

``locust --help`` does not know the options of a locustfile; they stand, with their defaults, in ``OPTIONS`` below. Each
can also be set by the environment: ``--grpc-url`` by ``TANDEM_LOAD_GRPC_URL``.
"""

from __future__ import annotations

import logging
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import grpc.experimental.gevent
from locust import User, constant_throughput, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner

from clients import NO_RETRIES, BadSetting, Client, TandemError
from clients.tensors import Call, Outputs
from loadtest.arrivals.fleet import check_server
from loadtest.closed import Tally, ask_slo
from loadtest.errors import BadSlo, BadTraffic, NoServerThere, WrongAnswer
from loadtest.slo import read_slo
from loadtest.traffic.asked import Asked
from loadtest.traffic.kinds import KINDS
from loadtest.traffic.mix import SHOP, read_mix
from loadtest.traffic.requests import Traffic

grpc.experimental.gevent.init_gevent()  # without it a gRPC call would block all users of the process

AHEAD = 1_000
KEPT = 4_096
MISTAKE, NO_SERVER = 2, 3
OPTIONS: tuple[tuple[str, str | float, str], ...] = (
    ("--grpc-url", "grpc://localhost:8001", "Server of the GrpcUser"),
    ("--http-url", "http://localhost:8000", "Server of the HttpUser"),
    ("--mix", str(SHOP), "Mix file: what is sent"),
    ("--catalogue", "", "Catalogue (.jsonl) in place of the mix's"),
    ("--queries", "", "Queries in place of the mix's"),
    ("--pictures", "", "Folder of pictures in place of the mix's"),
    ("--writes", -1.0, "Writes a second in place of the mix's, by the user Writer"),
    ("--deadline", 10.0, "Seconds after which an answer is a failed request"),
    ("--slo", "", "SLO file; it makes the exit code"),
    ("--load-shape", "steady", "How the number of users changes, where loadtest/locustshape.py is used"),
)
_log = logging.getLogger(__name__)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: LocustArgumentParser) -> None:
    """What can be chosen beside locust's own options."""
    group = parser.add_argument_group("Tandem")
    for flag, default, told in OPTIONS:
        variable = f"TANDEM_LOAD_{flag[2:].replace('-', '_').upper()}"
        group.add_argument(flag, default=default, type=type(default), env_var=variable, help=told)


@events.init.add_listener  # type: ignore[untyped-decorator]
def prepare(environment: Environment, runner: object, **_: object) -> None:
    """Check the options and make the traffic before the first user starts.

    A mistake ends the process with code 2, no server with 3.
    """
    options = environment.parsed_options
    if options is None:  # locust used as a library, without a command line
        return
    AskUser.tally = Tally()
    try:
        for url in (options.grpc_url, options.http_url):
            Client(url, timeout_s=options.deadline).close()
        AskUser.traffic = make_traffic(options)
        AskUser.make = staticmethod(lru_cache(KEPT)(AskUser.traffic.make))
        AskUser.seed = 1 + getattr(runner, "worker_index", 0)
        slo = read_slo(Path(options.slo)) if options.slo else None
        if not isinstance(runner, MasterRunner):  # which sends nothing, and may be elsewhere
            check_servers(environment, options)
    except (BadSetting, BadTraffic, BadSlo) as error:
        _log.error(error)
        sys.exit(MISTAKE)
    except NoServerThere as error:
        _log.error(error)
        sys.exit(NO_SERVER)
    AskUser.tally.share(environment)
    if slo is not None:
        ask_slo(environment, slo, AskUser.tally)


def check_servers(environment: Environment, options: Namespace) -> None:
    """Whether a server is ready for each of the users that were asked for.

    Raises:
        NoServerThere: One is not.
    """
    for protocol in sorted({user.protocol for user in environment.user_classes if issubclass(user, AskUser)}):
        check_server(getattr(options, f"{protocol}_url"), options.deadline)


def make_traffic(options: Namespace) -> Traffic:
    """The traffic that the options ask for.

    Raises:
        BadTraffic: An option, or what it names, cannot be used.
    """
    mix = read_mix(Path(options.mix))
    named: dict[str, Any] = {
        name: Path(told) for name in ("catalogue", "queries", "pictures") if (told := getattr(options, name))
    }
    writes: dict[str, Any] = {} if options.writes < 0 else {"writes_per_s": options.writes}
    return Traffic.of(replace(mix, **named, **writes))


class AskUser(User):
    """Sends one request after the other. Each user has a connection of its own."""

    abstract = True
    protocol: ClassVar[str]
    traffic: ClassVar[Traffic]
    tally: ClassVar[Tally]
    seed: ClassVar[int] = 1
    make: ClassVar[Any]
    users: ClassVar[int] = 0

    def on_start(self) -> None:
        """Connect, and choose what to ask for."""
        options = self.environment.parsed_options
        url = getattr(options, f"{self.protocol}_url")
        self.client = Client(url, timeout_s=options.deadline, retries=NO_RETRIES)
        AskUser.users += 1
        self.numbers = self.drawn(1_000_003 * self.seed + AskUser.users)

    def on_stop(self) -> None:
        """Disconnect."""
        self.client.close()

    def drawn(self, seed: int) -> Iterator[int]:
        """Numbers of requests, by their popularity."""
        while True:
            yield from self.traffic.draw(AHEAD, seed).tolist()
            seed += 1

    @task
    def ask(self) -> None:
        """Send one request and report how long the answer took, how large it is, and whether it is one."""
        asked: Asked = self.make(next(self.numbers))
        call = Call(asked.call.model, asked.call.inputs, lambda outputs: (outputs, size_of(outputs)))
        error: Exception | None = None
        size_bytes = 0
        started = time.perf_counter()
        taken_s = 0.0
        try:
            outputs, size_bytes = self.client.run(call)
            taken_s = time.perf_counter() - started
            self.tally.add(KINDS[asked.kind].judge(outputs, asked))
        except (TandemError, WrongAnswer) as failed:
            error = failed
        # Not in a finally: a request that locust cuts off at the end of a run is neither a success nor a failure
        self.environment.events.request.fire(
            request_type=self.protocol,
            name=asked.kind,
            response_time=1000 * (taken_s or time.perf_counter() - started),
            response_length=size_bytes,
            exception=error,
            context={},
        )


class GrpcUser(AskUser):
    """Asks over gRPC."""

    protocol = "grpc"


class HttpUser(AskUser):
    """Asks over HTTP."""

    protocol = "http"


class Writer(AskUser):
    """One user that writes over gRPC, as often a second as the mix says; none where it says 0."""

    protocol = "grpc"
    fixed_count = 1

    def on_start(self) -> None:
        """Connect, where there is something to write."""
        if not self.traffic.mix.writes_per_s:
            raise StopUser
        super().on_start()

    def on_stop(self) -> None:
        """Disconnect."""
        if self.traffic.mix.writes_per_s:
            super().on_stop()

    def wait_time(self) -> float:
        """Seconds until the next write."""
        return float(constant_throughput(self.traffic.mix.writes_per_s)(self))

    def drawn(self, seed: int) -> Iterator[int]:
        """Numbers of writes."""
        while True:
            yield from self.traffic.draw_writes(AHEAD, seed).tolist()
            seed += 1


def size_of(outputs: Outputs) -> int:
    """Bytes of the products in an answer."""
    told = (outputs.as_numpy(name) for name in ("PRODUCT", "RECOMMENDED"))
    return sum(len(product) for products in told if products is not None for product in products.flat)
