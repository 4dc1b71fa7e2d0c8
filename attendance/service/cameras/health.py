"""Whether a daemon watches a camera, and whether pictures come.

In: a camera's row, the time.  Out: a `Health` with words for a page.
Does not know: daemons, networks, how a picture is read.
Main choice: judged from the heartbeat that the daemon writes, and not by asking the camera, so that
a page answers at once.  Trade-off: a daemon that was killed looks alive for some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from attendance.errors import problem_and_advice
from attendance.store.cameras.cameras import STALE_AFTER, trouble_of
from attendance.store.tables.cameras import Camera
from attendance.texts import gettext as _
from attendance.texts import translated


class State(StrEnum):
    WORKING = "working"
    TROUBLE = "trouble"
    NOT_WATCHED = "not watched"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Health:
    """`words`: the state as a text; `advice`: what to do, "" if nothing."""

    state: State
    words: str
    advice: str


def health_of(camera: Camera, now: datetime) -> Health:
    """Return OFF if not in use, NOT_WATCHED if no daemon lives, TROUBLE if it lives but gets no pictures."""
    if camera.active is False:
        return Health(State.OFF, _("switched off"), _("Nobody is recognised here, and its door stays shut."))
    if camera.owner is None or camera.heartbeat_at is None or now - camera.heartbeat_at > STALE_AFTER:
        advice = _("Start the daemon of this camera.")
        if camera.owner is None and (why := trouble_of(camera)):  # a daemon tried in vain
            problem, own = problem_and_advice(translated(why))
            return Health(State.NOT_WATCHED, _("not watched: %(why)s", why=problem), own or advice)
        return Health(State.NOT_WATCHED, _("not watched"), advice)
    if trouble := trouble_of(camera):
        # What the camera itself answered says what to do; cables are not the trouble then.
        problem, advice = problem_and_advice(translated(trouble))
        return Health(State.TROUBLE, problem, advice or _("Check the camera's power, cable and address."))
    if camera.last_seen_at is None:
        return Health(
            State.TROUBLE, _("no picture yet"), _("The daemon is connecting; if this stays, check the address.")
        )
    if now - camera.last_seen_at > STALE_AFTER:
        return Health(State.TROUBLE, _("pictures have stopped"), _("Check the camera's power, cable and address."))
    return Health(State.WORKING, _("working"), "")
