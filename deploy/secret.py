"""The word that opens the server's own interfaces to ``deploy``, and to nobody else."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Self

KEY = "tandem-control"
GRPC_HEADER = f"triton-grpc-protocol-{KEY}"
# A command line with this word in place of the secret may be shown; the guard puts the secret in.
PLACEHOLDER = "<secret>"
_BYTES = 32
_SHORTEST = 32


@dataclass(frozen=True)
class Secret:
    """One server's secret, new at every start. It is in no file, log, environment or command line.

    Args:
        value: Letters, digits, ``-`` and ``_``; at least 32.
    """

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        allowed = self.value.isascii() and self.value.replace("-", "").replace("_", "").isalnum()
        if not allowed or len(self.value) < _SHORTEST:
            raise ValueError(
                f"a secret must be {_SHORTEST} or more letters, digits, - and _: make one with Secret.make()"
            )

    @classmethod
    def make(cls) -> Self:
        """A new one, of 256 random bits."""
        return cls(secrets.token_urlsafe(_BYTES))

    def headers(self) -> dict[str, str]:
        """What a gRPC call carries to be let in."""
        return {GRPC_HEADER: self.value}
