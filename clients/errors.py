"""What can go wrong between a caller and the server.

TandemError
├── BadSetting       a setting of the client itself is not allowed
│   └── BadUrl       the address is not one of the allowed forms
├── BadInput         the request is at fault: the server's message, which names the input
├── NotServed        the server is up, but does not serve this model
│   └── NoCanary     no release is on trial, and one was asked for
├── Unavailable      the server cannot answer now; retried
│   ├── NoServer     nothing answers at the address
│   ├── QueueFull    more requests wait than the server allows
│   └── Behind       the index has not yet applied the write that the search asks for
├── Timeout          no answer before the deadline
├── NotTrusted       over TLS, the server is not who it should be; ask who runs it before anything else
├── ServerFault      the server failed; the message is its own
└── ClientClosed     the client was closed before the call
"""

from __future__ import annotations


class TandemError(Exception):
    """Root of all errors raised by ``clients``."""


class BadSetting(TandemError):
    """A setting of the client (timeout, retries) is out of its range."""


class BadUrl(BadSetting):
    """A server address that is not one of the allowed forms."""


class BadInput(TandemError):
    """The request is at fault; sending it again gives the same answer."""


class NotServed(TandemError):
    """The server is up, but does not serve the model that the request needs."""


class NoCanary(NotServed):
    """The client asks the release on trial alone, and none is."""


class Unavailable(TandemError):
    """The server cannot answer now; the same request may succeed later."""


class NoServer(Unavailable):
    """Nothing answers at the address: connection refused, name unknown."""


class QueueFull(Unavailable):
    """The server has more requests waiting than it allows."""


class Behind(Unavailable):
    """The index has not applied ``MIN_SEQ`` yet; it may have when asked again."""


class Timeout(TandemError):
    """No answer came before the deadline."""


class NotTrusted(TandemError):
    """The server's certificate is not from a trusted authority, or is made for another host."""


class ServerFault(TandemError):
    """The server failed in a way that the request does not explain."""


class ClientClosed(TandemError):
    """The client was used after ``close()``."""
