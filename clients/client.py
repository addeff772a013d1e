"""The sync client."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from clients import messages, writes
from clients.canary import TOLD_BY, Canary
from clients.connect import connect, tls_for
from clients.errors import ClientClosed, NotServed, TandemError, Timeout, Unavailable
from clients.exchange import Exchange, FindTrial, ForgetTrial, Infer, Pause, Step, Steps
from clients.recommend_messages import recommend
from clients.recommendations import Recommend, Recommendations
from clients.retry import RetryPolicy
from clients.routing import Routing
from clients.spread import fields_of
from clients.tensors import Call, Outputs, Vectors
from clients.tls import Tls
from clients.transport import Transport
from clients.values import Answer, Deleted, Image, Patch, Product, Query, Text, Written

T = TypeVar("T")

TIMEOUT_S = 10.0
SEARCH_MODELS = ("search_text", "search_image", "search")


class Client:
    """Asks a Tandem server, and writes to its catalogue, over gRPC or HTTP. Threads may share one client.

    A write that returned is durable, and gives its place in the catalogue's journal: a search with that ``min_seq``
    knows of it. Writes are tried again like searches; see `clients.retry`.

    Every method raises one of `clients.errors`; `BadInput` carries the server's own message.

    >>> with Client("grpc://localhost:8001") as client:          # doctest: +SKIP
    ...     for found in client.search(text="a red mug", k=3).results:
    ...         print(found.id, found.score, found.title)
    ...     written = client.patch("M1", price=8.5)
    ...     client.search(text="a red mug", filter={"range": ["price", None, 9]}, min_seq=written.seq)
    ...     client.recommend("M1", task="complement", k=5).hits

    Args:
        url: ``grpc://host:port``, ``grpcs://host:port`` (over TLS) or ``http://host:port``.
        timeout_s: Deadline of one call, its retries included, in seconds.
        retries: When to try again.
        canary: What to do about a release on trial: by default, what has a ``key`` goes to it where the key
            falls in the share that the server tells, and others do not. See `clients.canary`.
        tls: For ``grpcs://``: whom to trust, and the client's own certificate; None takes what the environment says.

    Raises:
        BadUrl: ``url`` is not one of the allowed forms.
        BadSetting: ``timeout_s`` is not above 0, or certificates cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: RetryPolicy | None = None,
        canary: Canary = "auto",
        tls: Tls | None = None,
    ) -> None:
        self._exchange = Exchange.of(url, timeout_s, retries, canary)
        self.address = self._exchange.address
        self._routing = Routing(canary, self._ask_canary)
        self._transport: Transport | None = connect(self.address, tls_for(self.address, tls))

    @fields_of(Query)
    def search(self, query: Query) -> Answer:
        """The products nearest to a text, a photo, or both. See `clients.Query` for the arguments."""
        return self.search_many([query])[0]

    def search_many(self, queries: Sequence[Query]) -> list[Answer]:
        """One answer a query, by one request. All queries must be of one kind: text, photo, or both.

        Where only some of the keys fall to a release on trial, it is one request to each of the two releases.
        """
        return self._do(self._exchange.routed(messages.search, queries))

    @fields_of(Recommend)
    def recommend(self, query: Recommend) -> Recommendations:
        """What goes with some products, or with one that is not in the catalogue. See `clients.Recommend`."""
        return self.recommend_many([query])[0]

    def recommend_many(self, queries: Sequence[Recommend]) -> list[Recommendations]:
        """One answer a question, by one request as `search_many`: all about ids, or all about new products."""
        return self._do(self._exchange.routed(recommend, queries))

    def embed_text(self, text: Text) -> Vectors:
        """The vector of a text, ``(d_text,)``, float32, L2-normalised."""
        vector: Vectors = self.embed_texts([text])[0]
        return vector

    def embed_texts(self, texts: Sequence[Text]) -> Vectors:
        """The vectors of some texts, ``(rows, d_text)``."""
        return self.run(messages.embed_text(texts))

    def embed_image(self, image: Image) -> Vectors:
        """The vector of a picture, ``(d_image,)``, float32, L2-normalised."""
        vector: Vectors = self.embed_images([image])[0]
        return vector

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """The vectors of some pictures, ``(rows, d_image)``."""
        return self.run(messages.embed_image(images))

    def embed_product(self, product: Product, image: Image | None = None) -> Vectors:
        """The index row of a product, ``(d_text + d_image,)``; its image half is zero where it has no image."""
        vector: Vectors = self.embed_products([(product, image)])[0]
        return vector

    def embed_products(self, products: Sequence[tuple[Product, Image | None]]) -> Vectors:
        """The index rows of some products, ``(rows, d_text + d_image)``."""
        return self.run(messages.embed_product(products))

    def upsert(self, product: Product, image: Image | None = None) -> Written:
        """Put a product into the catalogue, new or in place of the one with its id; it is durable when this returns.

        Without an image it has no picture, whatever it had before.
        """
        return self.upsert_many([(product, image)])[0]

    def upsert_many(self, products: Sequence[tuple[Product, Image | None]]) -> list[Written]:
        """Put some products into the catalogue by one request: all of them, or none where one is refused."""
        return self.run(writes.upsert(products))

    @fields_of(Patch)
    def patch(self, patch: Patch) -> Written:
        """Change some fields of a product; see `clients.Patch` for the arguments. Its vectors stay as they are."""
        return self.patch_many([patch])[0]

    def patch_many(self, patches: Sequence[Patch]) -> list[Written]:
        """Change some products by one request: all of them, or none where one is refused."""
        return self.run(writes.patch(patches))

    def delete(self, id: str) -> Deleted:  # noqa: A002 - the field's own word
        """Delete a product; not an error where there is none."""
        return self.delete_many([id])[0]

    def delete_many(self, ids: Sequence[str]) -> list[Deleted]:
        """Delete some products by one request."""
        return self.run(writes.delete(ids))

    def run(self, call: Call[T]) -> T:
        """Send one request, again where that may help, and read its answer; the methods above, in general."""
        return self._do(self._exchange.plain(call))

    def ready(self) -> bool:
        """Whether the search models are loaded. Asks once; a model whose process died still counts as loaded."""
        transport = self._open()
        try:
            return all(transport.model_ready(model, self._exchange.timeout_s) for model in SEARCH_MODELS)
        except (Unavailable, NotServed, Timeout):
            return False

    def close(self) -> None:
        """Close the connections; later calls raise `ClientClosed`."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _do(self, steps: Steps[T]) -> T:
        """Carry out the steps of one call, one after the other."""
        transport = self._open()
        try:
            step = next(steps)
            while True:
                try:
                    came = self._step(step, transport)
                except TandemError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as ended:
            answer: T = ended.value
            return answer

    def _step(self, step: Step, transport: Transport) -> Outputs | list[int] | None:
        match step:
            case Infer(call, timeout_s):
                return transport.infer(call, timeout_s)
            case FindTrial(queries, timeout_s):
                return self._routing.rows(queries, timeout_s)
            case Pause(seconds):
                time.sleep(seconds)
            case ForgetTrial():
                self._routing.forget()
        return None

    def _ask_canary(self, timeout_s: float) -> Mapping[str, str]:
        return self._open().model_parameters(TOLD_BY, timeout_s)

    def _open(self) -> Transport:
        if self._transport is None:
            raise ClientClosed(f"the client of {self.address} was closed")
        return self._transport
