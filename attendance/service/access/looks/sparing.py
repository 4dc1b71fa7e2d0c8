"""When a camera's pictures are looked at a second time, for faces of which most lies in the dark.

In: frames of one camera in the order of their times.  Out: probes of the analyser behind; which frames ask for the
second look (`Frame.side_light`).
Does not know: networks, how such a face is found.
Main choice: the second look comes only where no face was found, something changed, and the last vain one is
VAIN_EVERY ago.  So an empty, windy scene costs a third more of the detector's work and not twice as much.  Trade-off:
somebody in side light is seen up to VAIN_EVERY later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from attendance.domain.faces import Frame, Probe
from attendance.service.ports import Analyser

VAIN_EVERY = timedelta(seconds=0.3)


class Sparing:
    """An analyser of one camera that is asked to look in side light only now and then (`Frame.side_light`).

    `changed`: whether anything changed before the camera; None: nobody knows, so it may have.  Once a face is there
    every picture may be looked at twice, so that its looks are not further apart than those of other faces.
    """

    def __init__(self, inner: Analyser, changed: Callable[[], bool] | None = None) -> None:
        self._inner, self._changed = inner, changed
        self._in_vain_at: datetime | None = None

    @property
    def model_id(self) -> str:
        return self._inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        return self._inner.timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        asks = self._is_due(frame.taken_at) and (self._changed is None or self._changed())
        if not asks:
            frame = replace(frame, side_light=False)
        probes = self._inner.analyse(frame, max_faces)
        if probes:
            self._in_vain_at = None
        elif asks:
            self._in_vain_at = frame.taken_at
        return probes

    def _is_due(self, now: datetime) -> bool:
        # A clock that was set back waits for nothing.
        return self._in_vain_at is None or abs(now - self._in_vain_at) >= VAIN_EVERY
