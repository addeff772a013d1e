"""The operator's side of switching: a socket in the store that a running server answers, and what asks it.

``STORE/run/control.sock`` is open to the user who runs the server, and to root. One connection carries one command: a
line of JSON, answered by lines of JSON; see ``wire``.
"""

from deploy.operate.client import Operator

__all__ = ["Operator"]
