"""What can go wrong with a server.

DeployError
├── CannotStart          something is missing here; the message says what, and what to do
│   ├── MissingServer    no server, stub or shared library for this machine and interpreter
│   ├── UnusableNumpy    a numpy that the server's Python backend cannot work with
│   ├── NoRelease        the store holds nothing to serve, or a part of it is unreadable
│   │   └── UnusableRelease  files of the release are missing, or not those that were made; names them
│   ├── WrongServer      the release is made for another server; says which
│   ├── StaleEngine      no engine of a tower fits the TensorRT and the GPU here; says how to rebuild
│   ├── PortTaken        another program listens there
│   ├── Exposed          a network that is not trusted could reach it; says how to close it
│   └── BadCertificate   certificates that no connection would succeed with; says why
├── ServerFailed         the server ended, or was not ready in time; its last log lines are quoted
│   └── ModelFailed      a model could not be loaded; names the model and its reason
├── Aborted              the start was called off from outside
├── ServerAway           no server runs over the store
├── CannotSwitch         a release that cannot be switched to: nothing was touched; says what to do instead
│   └── SwitchBusy       another switch is being made
├── SwitchFailed         a switch went wrong: what answered before answers again
├── NoBaseline           a release that live traffic cannot be compared with (deploy.drift)
├── KeeperBroken         one of the keeper's jobs ended unasked: it ends as a whole, to be started again
├── RequestFailed        one call to the server gave no answer
├── ProbeFailed          a request with a known answer went wrong
│   ├── WrongAnswer      answered, but not with what the release says
│   └── NoAnswer         an error or nothing
└── RecoveryFailed       a fault that reloading a model did not repair
    └── GaveUp           nor did restarting the server: it has been stopped
"""

from __future__ import annotations

from collections.abc import Mapping

# In what Triton and the models say: a full gate, a full queue, a wait in one that was too long.
_BUSY = ("overloaded:", "maximum queue size", "timeout expired")


class DeployError(Exception):
    """Root of all errors raised by ``deploy``."""


class CannotStart(DeployError):
    """The server cannot be started on this machine as it is."""


class MissingServer(CannotStart):
    """No server, stub or shared library for this machine and interpreter."""


class UnusableNumpy(CannotStart):
    """The installed numpy does not work with the server's Python backend."""


class NoRelease(CannotStart):
    """The store holds no release that can be served."""


class UnusableRelease(NoRelease):
    """Files of a release are missing, or are not those that were made."""


class WrongServer(CannotStart):
    """The release is made for a server other than this one."""


class StaleEngine(CannotStart):
    """No engine of a tower fits the TensorRT and the GPU of this machine."""


class PortTaken(CannotStart):
    """Another program listens on a port that was asked for."""


class Exposed(CannotStart):
    """A network that is not trusted could reach the server."""


class BadCertificate(CannotStart):
    """No connection over TLS would succeed with the certificates that were given."""


class ServerFailed(DeployError):
    """The server ended, or was not ready in time."""


class ModelFailed(ServerFailed):
    """Models that could not be loaded.

    Args:
        reasons: Model name to the reason that the server gave.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        told = "\n".join(f"  {model}: {reason}" for model, reason in self.reasons.items())
        super().__init__(f"the server could not load {len(self.reasons)} of its models:\n{told}")


class Aborted(DeployError):
    """The start was called off from outside."""


class ServerAway(DeployError):
    """No server runs over the store."""


class CannotSwitch(DeployError):
    """A release cannot be switched to; what answers was not touched."""


class SwitchBusy(CannotSwitch):
    """Another switch is being made."""


class SwitchFailed(DeployError):
    """A switch went wrong half-way; what answered before answers again."""


class KeeperBroken(DeployError):
    """A job of the keeper ended unasked; the log tells why."""


class RequestFailed(DeployError):
    """One call to the server gave no answer.

    Args:
        status: gRPC status name, such as ``UNAVAILABLE`` or ``DEADLINE_EXCEEDED``.
        message: The server's own words.
    """

    def __init__(self, status: str, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(f"{status}: {message}")


class ProbeFailed(DeployError):
    """A request with a known answer went wrong."""


class WrongAnswer(ProbeFailed):
    """The server answered a probe, but not with what the release says."""


class NoAnswer(ProbeFailed):
    """The server answered a probe with an error, or not in time.

    Args:
        model: The ensemble that was asked.
        cause: What the call ended with.
    """

    def __init__(self, model: str, cause: RequestFailed) -> None:
        self.model, self.cause = model, cause
        super().__init__(f"{model}: {cause}")

    @property
    def busy(self) -> bool:
        """Whether too much was under way, or the probe waited in a queue for too long; which alone is no fault."""
        words = self.cause.message.lower()
        return self.cause.status == "UNAVAILABLE" and any(word in words for word in _BUSY)

    @property
    def away(self) -> bool:
        """Whether what the models search, and no part of the server, does not answer: Milvus."""
        # A server that is gone is UNAVAILABLE too, but then gRPC's own words say so.
        return self.cause.status == "UNAVAILABLE" and "Milvus" in self.cause.message

    @property
    def timed_out(self) -> bool:
        """Whether no answer came in time."""
        return self.cause.status == "DEADLINE_EXCEEDED"


class RecoveryFailed(DeployError):
    """Reloading a model did not repair it."""


class GaveUp(RecoveryFailed):
    """Restarting the server did not help either: it has been stopped rather than left to serve broken."""
