"""The async client: the sync one, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from clients import messages, writes
from clients.canary import TOLD_BY, Canary
from clients.client import SEARCH_MODELS, TIMEOUT_S
from clients.connect import connect_async, tls_for
from clients.errors import ClientClosed, NotServed, TandemError, Timeout, Unavailable
from clients.exchange import Exchange, FindTrial, ForgetTrial, Infer, Pause, Step, Steps
from clients.recommend_messages import recommend
from clients.recommendations import Recommend, Recommendations
from clients.retry import RetryPolicy
from clients.routing import AsyncRouting
from clients.spread import fields_of
from clients.tensors import Call, Outputs, Vectors
from clients.tls import Tls
from clients.transport import AsyncTransport
from clients.values import Answer, Deleted, Image, Patch, Product, Query, Text, Written

T = TypeVar("T")


class AsyncClient:
    """Asks a Tandem server, and writes to its catalogue, for one event loop. Tasks may share one client.

    The arguments and the methods are those of `clients.Client`. An image given as a path is read while the loop waits;
    give bytes where that matters.

    >>> async with AsyncClient("http://localhost:8000") as client:          # doctest: +SKIP
    ...     answer = await client.search(image=Path("photo.jpg"), k=3)
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
        self._routing = AsyncRouting(canary, self._ask_canary)
        self._tls = tls_for(self.address, tls)
        self._transport: AsyncTransport | None = None
        self._closed = False

    @fields_of(Query)
    async def search(self, query: Query) -> Answer:
        """The products nearest to a text, a photo, or both. See `clients.Query` for the arguments."""
        return (await self.search_many([query]))[0]

    async def search_many(self, queries: Sequence[Query]) -> list[Answer]:
        """One answer a query, by one request. All queries must be of one kind: text, photo, or both.

        Where only some of the keys fall to a release on trial, it is one request to each of the two releases.
        """
        return await self._do(self._exchange.routed(messages.search, queries))

    @fields_of(Recommend)
    async def recommend(self, query: Recommend) -> Recommendations:
        """What goes with some products, or with one that is not in the catalogue. See `clients.Recommend`."""
        return (await self.recommend_many([query]))[0]

    async def recommend_many(self, queries: Sequence[Recommend]) -> list[Recommendations]:
        """One answer a question, by one request as `search_many`: all about ids, or all about new products."""
        return await self._do(self._exchange.routed(recommend, queries))

    async def embed_text(self, text: Text) -> Vectors:
        """The vector of a text, ``(d_text,)``, float32, L2-normalised."""
        vector: Vectors = (await self.embed_texts([text]))[0]
        return vector

    async def embed_texts(self, texts: Sequence[Text]) -> Vectors:
        """The vectors of some texts, ``(rows, d_text)``."""
        return await self.run(messages.embed_text(texts))

    async def embed_image(self, image: Image) -> Vectors:
        """The vector of a picture, ``(d_image,)``, float32, L2-normalised."""
        vector: Vectors = (await self.embed_images([image]))[0]
        return vector

    async def embed_images(self, images: Sequence[Image]) -> Vectors:
        """The vectors of some pictures, ``(rows, d_image)``."""
        return await self.run(messages.embed_image(images))

    async def embed_product(self, product: Product, image: Image | None = None) -> Vectors:
        """The index row of a product, ``(d_text + d_image,)``; its image half is zero where it has no image."""
        vector: Vectors = (await self.embed_products([(product, image)]))[0]
        return vector

    async def embed_products(self, products: Sequence[tuple[Product, Image | None]]) -> Vectors:
        """The index rows of some products, ``(rows, d_text + d_image)``."""
        return await self.run(messages.embed_product(products))

    async def upsert(self, product: Product, image: Image | None = None) -> Written:
        """Put a product into the catalogue, new or in place of the one with its id; it is durable when this returns.

        Without an image it has no picture, whatever it had before.
        """
        return (await self.upsert_many([(product, image)]))[0]

    async def upsert_many(self, products: Sequence[tuple[Product, Image | None]]) -> list[Written]:
        """Put some products into the catalogue by one request: all of them, or none where one is refused."""
        return await self.run(writes.upsert(products))

    @fields_of(Patch)
    async def patch(self, patch: Patch) -> Written:
        """Change some fields of a product; see `clients.Patch` for the arguments. Its vectors stay as they are."""
        return (await self.patch_many([patch]))[0]

    async def patch_many(self, patches: Sequence[Patch]) -> list[Written]:
        """Change some products by one request: all of them, or none where one is refused."""
        return await self.run(writes.patch(patches))

    async def delete(self, id: str) -> Deleted:  # noqa: A002 - the field's own word
        """Delete a product; not an error where there is none."""
        return (await self.delete_many([id]))[0]

    async def delete_many(self, ids: Sequence[str]) -> list[Deleted]:
        """Delete some products by one request."""
        return await self.run(writes.delete(ids))

    async def run(self, call: Call[T]) -> T:
        """Send one request, again where that may help, and read its answer; the methods above, in general."""
        return await self._do(self._exchange.plain(call))

    async def ready(self) -> bool:
        """Whether the search models are loaded. Asks once; a model whose process died still counts as loaded."""
        transport = self._open()
        try:
            for model in SEARCH_MODELS:
                if not await transport.model_ready(model, self._exchange.timeout_s):
                    return False
        except (Unavailable, NotServed, Timeout):
            return False
        return True

    async def close(self) -> None:
        """Close the connections; later calls raise `ClientClosed`."""
        self._closed = True
        await self._routing.close()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def _do(self, steps: Steps[T]) -> T:
        """Carry out the steps of one call, one after the other."""
        transport = self._open()
        try:
            step = next(steps)
            while True:
                try:
                    came = await self._step(step, transport)
                except TandemError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as ended:
            answer: T = ended.value
            return answer

    async def _step(self, step: Step, transport: AsyncTransport) -> Outputs | list[int] | None:
        match step:
            case Infer(call, timeout_s):
                return await transport.infer(call, timeout_s)
            case FindTrial(queries, timeout_s):
                return await self._routing.rows(queries, timeout_s)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case ForgetTrial():
                self._routing.forget()
        return None

    async def _ask_canary(self, timeout_s: float) -> Mapping[str, str]:
        return await self._open().model_parameters(TOLD_BY, timeout_s)

    def _open(self) -> AsyncTransport:
        if self._closed:
            raise ClientClosed(f"the client of {self.address} was closed")
        if self._transport is None:  # not in __init__: the transport belongs to the loop that runs now
            self._transport = connect_async(self.address, self._tls)
        return self._transport
