"""What ``deploy serve`` tells Prometheus about itself: its releases, its switches, and what it had to repair.

Triton's own metrics end with Triton, and know nothing of who is live. These are another process's, at another port.
"""

from deploy.supervising.supervisor import Supervisor

__all__ = ["Supervisor"]
