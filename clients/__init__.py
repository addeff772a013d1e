"""A typed client of a Tandem server: sync and async, gRPC and HTTP behind one interface.

>>> from clients import Client
>>> with Client("grpc://localhost:8001") as client:          # doctest: +SKIP
...     answer = client.search(text="a red mug", k=3)
"""

from __future__ import annotations

from clients.client import Client
from clients.client_aio import AsyncClient
from clients.errors import (
    BadInput,
    BadSetting,
    BadUrl,
    ClientClosed,
    NoServer,
    NotServed,
    QueueFull,
    ServerFault,
    TandemError,
    Timeout,
    Unavailable,
)
from clients.retry import NO_RETRIES, RetryPolicy
from clients.values import Answer, Query, Result

__all__ = [
    "NO_RETRIES",
    "Answer",
    "AsyncClient",
    "BadInput",
    "BadSetting",
    "BadUrl",
    "Client",
    "ClientClosed",
    "NoServer",
    "NotServed",
    "Query",
    "QueueFull",
    "Result",
    "RetryPolicy",
    "ServerFault",
    "TandemError",
    "Timeout",
    "Unavailable",
]
