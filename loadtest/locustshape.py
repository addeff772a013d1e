"""Numbers of closed users over time, for locust.

    locust -f loadtest/locustfile.py,loadtest/locustshape.py GrpcUser --headless --load-shape spike -u 8 -t 60s

``-u`` is the number that a steady load would have, ``-t`` how long it takes; see `loadtest.arrivals.profiles`.
"""

from __future__ import annotations

import time
from typing import Any

from locust import LoadTestShape

from loadtest.arrivals.profiles import Profile, named

DEFAULT_USERS, DEFAULT_S = 8, 60


class Shaped(LoadTestShape):
    """As many users as the profile has at the time."""

    use_common_options = True
    profile: Profile | None = None

    def tick(self) -> tuple[int, float] | None:
        """Users now, and how many are started a second; None at the end."""
        if self.profile is None:
            runner: Any = self.runner
            options = runner.environment.parsed_options
            seconds = float(options.run_time or DEFAULT_S)
            self.profile = named(options.load_shape, options.num_users or DEFAULT_USERS, seconds)
        now = time.perf_counter() - self.start_time
        if now >= self.profile.duration_s:
            return None
        users = max(1, round(self.profile.rate_at(now)))
        return users, float(users)
