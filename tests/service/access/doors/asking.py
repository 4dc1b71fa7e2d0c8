"""Somebody asks at a door: a face at its camera, a PIN or badge at the tablet beside it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from attendance.domain.passage import Method
from attendance.domain.reason import Reason
from attendance.service.access.recording import Recorded, Recorder
from attendance.service.ids import new_event_id
from tests.factories import make_passage
from tests.service.conftest import Site

ZONE = ZoneInfo("Europe/Berlin")


def ask(
    site: Site, person: int | None, method: Method, camera: str = "", door: bool = False, **options: bool
) -> Recorded:
    """Somebody asks: a face at the camera "door", a PIN or badge at the tablet "tablet" beside it."""
    site.clock.advance(1)
    now = site.clock.now()
    camera = camera or ("door" if method is Method.FACE else "tablet")
    stranger = {"granted": False, "reason": Reason.UNKNOWN} if person is None else {}
    passage = make_passage(
        now, id=new_event_id(now), camera=camera, method=method, person_id=person, **stranger,
        received_at=now if camera == "tablet" else None,
    )  # fmt: skip
    recorder = Recorder(site.sessions, site.clock, site.door if camera == "door" else None, timedelta(seconds=30), ZONE)
    recorded = recorder.record(passage.id, lambda _session: passage, **options)
    assert recorded is not None
    return recorded
