"""The async client: the sync one, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from clients import messages, writes
from clients.canary import TOLD_BY, Canary, check_canary, never, to_canary, unloaded, withdrawn
from clients.client import SEARCH_MODELS, TIMEOUT_S
from clients.connect import connect_async, tls_for
from clients.deadline import Attempts, check_timeout
from clients.errors import ClientClosed, NoCanary, NotServed, TandemError, Timeout, Unavailable
from clients.retry import RetryPolicy
from clients.routing import AsyncRouting
from clients.tensors import Call, Vectors
from clients.tls import Tls
from clients.transport import AsyncTransport
from clients.url import Address
from clients.values import (
    KEEP,
    Answer,
    Attribute,
    Deleted,
    Filter,
    Image,
    Keep,
    Patch,
    Product,
    Query,
    Text,
    Written,
)

T = TypeVar("T")


class AsyncClient:
    """Searches a Tandem server, and writes to its catalogue, for one event loop. Tasks may share one client.

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
        self.address = Address.parse(url)
        self.timeout_s = check_timeout(timeout_s)
        self.retries = RetryPolicy() if retries is None else retries
        self.canary = check_canary(canary)
        self._routing = AsyncRouting(self.canary, self._ask_canary)
        self._tls = tls_for(self.address, tls)
        self._transport: AsyncTransport | None = None
        self._closed = False

    async def search(  # noqa: PLR0913 - the fields of a query
        self,
        *,
        text: Text | None = None,
        image: Image | None = None,
        weights: tuple[float, float] | None = None,
        k: int = 10,
        filter: Filter | None = None,  # noqa: A002 - the field's own word
        min_seq: int | None = None,
        rank: Text | None = None,
        key: str | None = None,
    ) -> Answer:
        """The products nearest to a text, a photo, or both. See `clients.Query` for the arguments."""
        return (await self.search_many([Query(text, image, weights, k, filter, min_seq, rank, key)]))[0]

    async def search_many(self, queries: Sequence[Query]) -> list[Answer]:
        """One answer a query, by one request. All queries must be of one kind: text, photo, or both.

        Where only some of the keys fall to a release on trial, it is one request to each of the two releases.
        """
        call, attempts = messages.search(queries), self._attempts()
        trial = await self._routing.rows(queries, attempts.left_s())
        if not trial:
            return await self._send(call, attempts)
        found = dict(
            zip(trial, await self._try(messages.search([queries[row] for row in trial]), attempts), strict=True)
        )
        if rest := [row for row in range(len(queries)) if row not in found]:
            others = await self._send(messages.search([queries[row] for row in rest]), attempts)
            found.update(zip(rest, others, strict=True))
        return [found[row] for row in range(len(queries))]

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

    async def patch(
        self,
        id: str,  # noqa: A002 - the field's own word
        *,
        price: float | Keep | None = KEEP,
        available: bool | Keep = KEEP,
        attributes: Mapping[str, Attribute | None] | None = None,
    ) -> Written:
        """Change some fields of a product; see `clients.Patch` for the arguments. Its vectors stay as they are."""
        return (await self.patch_many([Patch(id, price, available, attributes or {})]))[0]

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
        return await self._send(call, self._attempts())

    async def ready(self) -> bool:
        """Whether the search models are loaded. Asks once; a model whose process died still counts as loaded."""
        transport = self._open()
        try:
            for model in SEARCH_MODELS:
                if not await transport.model_ready(model, self.timeout_s):
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

    def _attempts(self) -> Attempts:
        return Attempts(self.address, self.retries, self.timeout_s)

    async def _send(self, call: Call[T], attempts: Attempts, final: Callable[[TandemError], bool] = never) -> T:
        """Send one request, again where that may help and ``final`` does not say that it is of no use."""
        transport = self._open()
        while True:
            try:
                return call.parse(await transport.infer(call, attempts.left_s()))
            except (Unavailable, Timeout) as error:
                if final(error):
                    raise
                await asyncio.sleep(attempts.pause_s(error))

    async def _try(self, call: Call[T], attempts: Attempts) -> T:
        """Send one request to the release on trial, at once to the public one where there is none any more."""
        only = self.canary == "only"
        try:
            return await self._send(to_canary(call), attempts, unloaded if only else withdrawn)
        except (NotServed, Unavailable) as error:
            if only and unloaded(error):
                raise NoCanary(f"no release is on trial at {self.address}") from None
            if only or not withdrawn(error):
                raise
            self._routing.forget()
        return await self._send(call, attempts)

    async def _ask_canary(self, timeout_s: float) -> Mapping[str, str]:
        return await self._open().model_parameters(TOLD_BY, timeout_s)

    def _open(self) -> AsyncTransport:
        if self._closed:
            raise ClientClosed(f"the client of {self.address} was closed")
        if self._transport is None:  # not in __init__: the transport belongs to the loop that runs now
            self._transport = connect_async(self.address, self._tls)
        return self._transport
