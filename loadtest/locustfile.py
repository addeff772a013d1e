"""Load for locust: users that search by text (6 of 10 requests), by photo (3) and by both (1), over gRPC or HTTP.

    python -m deploy serve                                                    # in another terminal
    python -m locust -f loadtest/locustfile.py GrpcUser --headless -u 32 -r 32 -t 60s
    python -m locust -f loadtest/locustfile.py HttpUser --http-url http://localhost:8000
    python -m locust -f loadtest/locustfile.py GrpcUser --tags text --queries var/sample/catalogue.jsonl
    python -m locust -f loadtest/locustfile.py GrpcUser --pictures var/sample/photos --repeat 1.1

A user sends its next request when the last was answered, so ``-u`` is the number of requests in flight. Requests are
not tried again: what fails is counted, an answer without products too. Queries are all different unless ``--repeat`` is
given, so that the work is measured and not the cache. Making a photo takes this process about 1 ms, outside the time
that is reported; where one core is too little to load the server, ``--processes N`` takes more.

``locust --help`` does not know the options of a locustfile; they stand, with their defaults, in ``OPTIONS`` below. Each
can also be set by the environment: ``--grpc-url`` by ``TANDEM_LOAD_GRPC_URL``.
"""

from __future__ import annotations

import logging
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import ClassVar

import grpc.experimental.gevent
from locust import User, events, tag, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from clients import NO_RETRIES, Answer, BadSetting, Client, Query, TandemError, messages
from clients.tensors import Call, Outputs
from loadtest.errors import BadTraffic, EmptyAnswer
from loadtest.photos import painted, read_pictures
from loadtest.texts import built_in, read_texts
from loadtest.traffic import Corpus, Traffic, distinct, zipf

grpc.experimental.gevent.init_gevent()  # without it a gRPC call would block all users of the process

NUMBERS_A_WORKER = 1 << 18
"""So many queries differ from those of locust's other worker processes too."""

OPTIONS: tuple[tuple[str, str | int | float, str], ...] = (
    ("--grpc-url", "grpc://localhost:8001", "Server of the GrpcUser"),
    ("--http-url", "http://localhost:8000", "Server of the HttpUser"),
    ("--queries", "", "File with one text a line, or a .jsonl catalogue; default: a built-in list"),
    ("--pictures", "", "Folder of pictures that photos are made from; default: patches of colour"),
    ("--products", 10, "Products that a query asks for; default 10"),
    ("--repeat", 0.0, "Zipf exponent of repeated queries; default 0: none repeats"),
    ("--distinct", 1000, "How many different queries --repeat draws from; default 1000"),
    ("--deadline", 10.0, "Seconds after which an answer is a failed request; default 10"),
)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: LocustArgumentParser) -> None:
    """What can be chosen beside locust's own options."""
    group = parser.add_argument_group("Tandem")
    for flag, default, told in OPTIONS:
        group.add_argument(
            flag,
            default=default,
            type=type(default),
            env_var=f"TANDEM_LOAD_{flag[2:].replace('-', '_').upper()}",
            help=told,
        )


@events.init.add_listener  # type: ignore[untyped-decorator]
def prepare(environment: Environment, runner: object, **_: object) -> None:
    """Check the options and make the traffic before the first user starts; a mistake ends the process with code 2."""
    options = environment.parsed_options
    if options is None:  # locust used as a library, without a command line
        return
    try:
        for url in (options.grpc_url, options.http_url):
            Client(url, timeout_s=options.deadline).close()
        SearchUser.traffic = make_traffic(options, worker=getattr(runner, "worker_index", 0))
    except (BadSetting, BadTraffic) as error:
        logging.getLogger(__name__).error(error)  # noqa: TRY400 - its message is all that a user needs
        sys.exit(2)


def make_traffic(options: Namespace, worker: int) -> Traffic:
    """The traffic that the options ask for.

    Args:
        options: See `add_options`.
        worker: Number of this process among locust's workers.

    Raises:
        BadTraffic: An option, or what it names, cannot be used.
    """
    texts = read_texts(Path(options.queries)) if options.queries else built_in()
    pictures = read_pictures(Path(options.pictures)) if options.pictures else painted()
    if options.repeat:
        numbers = zipf(options.repeat, options.distinct, seed=worker)
    else:
        numbers = distinct(worker * NUMBERS_A_WORKER)
    return Traffic(Corpus(texts, pictures), numbers, k=options.products)


class SearchUser(User):
    """Sends one query after the other. Each user has a connection of its own."""

    abstract = True
    protocol: ClassVar[str]
    traffic: ClassVar[Traffic]

    def on_start(self) -> None:
        """Connect."""
        options = self.environment.parsed_options
        url = getattr(options, f"{self.protocol}_url")
        self.client = Client(url, timeout_s=options.deadline, retries=NO_RETRIES)

    def on_stop(self) -> None:
        """Disconnect."""
        self.client.close()

    @tag("text")
    @task(6)
    def search_by_text(self) -> None:
        """Words alone."""
        self.send(self.traffic.by_text())

    @tag("photo")
    @task(3)
    def search_by_photo(self) -> None:
        """A photo alone."""
        self.send(self.traffic.by_photo())

    @tag("both")
    @task(1)
    def search_by_both(self) -> None:
        """A photo and words, weighted equally."""
        self.send(self.traffic.by_both())

    def send(self, query: Query) -> None:
        """Send one query and report how long the answer took, how large it is, and whether it is one."""
        request = messages.search([query])
        call = Call(request.model, request.inputs, read_sized)
        error: Exception | None = None
        size_bytes = 0
        started = time.perf_counter()
        try:
            answer, size_bytes = self.client.run(call)
            if not answer.results:
                error = EmptyAnswer(f"{call.model}: an answer without products")
        except TandemError as failed:
            error = failed
        # Not in a finally: a request that locust cuts off at the end of a run is neither a success nor a failure
        self.environment.events.request.fire(
            request_type=self.protocol,
            name=call.model,
            response_time=1000 * (time.perf_counter() - started),
            response_length=size_bytes,
            exception=error,
            context={},
        )


class GrpcUser(SearchUser):
    """Searches over gRPC."""

    protocol = "grpc"


class HttpUser(SearchUser):
    """Searches over HTTP."""

    protocol = "http"


def read_sized(outputs: Outputs) -> tuple[Answer, int]:
    """The one answer of a request, and the bytes of the products in it."""
    products = outputs.as_numpy("PRODUCT")
    return messages.read_answers(outputs)[0], 0 if products is None else sum(map(len, products.flat))
