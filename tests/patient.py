"""How a client asks a small, busy machine: that it refuses what is too much is tested where that is the subject."""

from __future__ import annotations

from clients import RetryPolicy

PATIENT = RetryPolicy(tries=1000, first_pause_s=0.05, longest_pause_s=0.5, refused_share=1000.0)
