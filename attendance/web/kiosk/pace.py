"""How many pictures a tablet may send.

In: a tablet's number.  Out: whether another picture of it is looked at now.
Does not know: requests, what is in a picture.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field


@dataclass
class Pace:
    """Whether a tablet may send another picture: `rate` a second, twice that at once."""

    rate: float
    _left: dict[int, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def allows(self, device: int) -> bool:
        now, most = time.monotonic(), max(1.0, 2 * self.rate)
        with self._lock:
            left, since = self._left.get(device, (most, now))
            left = min(most, left + (now - since) * self.rate)
            allowed = left >= 1
            self._left[device] = (left - 1 if allowed else left, now)
        return allowed
