"""How many requests one server works on at once: what is more is refused at the entrance, before any work.

Queues of Triton 2.51 cannot be bounded for an ensemble (docs/decisions/0006), and a queue without a bound answers all
late. So the models that a request meets first take a *ticket* for it, and the last one gives it back. Tickets lie in a
file that all model processes of a server map (``TANDEM_GATE`` names its folder), so that two releases share one bound.
Triton is not imported here.
"""

from ensemble.admission.bound import bound_of
from ensemble.admission.door import TICKET, Door, Exit
from ensemble.admission.gate import Entrance, Gate, open_gate

__all__ = ["TICKET", "Door", "Entrance", "Exit", "Gate", "bound_of", "open_gate"]
