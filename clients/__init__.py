"""A typed client of a Tandem server: sync and async, gRPC and HTTP behind one interface.

>>> from clients import Client
>>> with Client("grpc://localhost:8001") as client:          # doctest: +SKIP
...     answer = client.search(text="a red mug", k=3)
...     written = client.upsert({"id": "M1", "title": "a red mug", "price": 9.5})
...     answer = client.search(text="a red mug", k=3, min_seq=written.seq)
...     beside = client.recommend("M1", task="complement", k=5)
"""

from __future__ import annotations

from clients.canary import Share
from clients.client import Client
from clients.client_aio import AsyncClient
from clients.errors import (
    BadInput,
    BadSetting,
    BadUrl,
    Behind,
    ClientClosed,
    NoCanary,
    NoServer,
    NotServed,
    NotTrusted,
    QueueFull,
    ServerFault,
    TandemError,
    Timeout,
    Unavailable,
)
from clients.recommendations import Hit, Recommend, Recommendations
from clients.retry import NO_RETRIES, RetryPolicy
from clients.tls import Tls
from clients.values import KEEP, Answer, Deleted, Patch, Query, Result, Written

__all__ = [
    "KEEP",
    "NO_RETRIES",
    "Answer",
    "AsyncClient",
    "BadInput",
    "BadSetting",
    "BadUrl",
    "Behind",
    "Client",
    "ClientClosed",
    "Deleted",
    "Hit",
    "NoCanary",
    "NoServer",
    "NotServed",
    "NotTrusted",
    "Patch",
    "Query",
    "QueueFull",
    "Recommend",
    "Recommendations",
    "Result",
    "RetryPolicy",
    "ServerFault",
    "Share",
    "TandemError",
    "Timeout",
    "Tls",
    "Unavailable",
    "Written",
]
