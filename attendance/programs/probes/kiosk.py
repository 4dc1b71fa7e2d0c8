"""Attacks on tablets and screens.

In: a scratch site with a paired tablet and a paired screen.  Out: findings.
Does not know: how a tablet's page works.
"""

from __future__ import annotations

import io
import time
from datetime import timedelta
from typing import Any

import segno

from attendance.programs.probes.attack import Finding, Probe, Target
from attendance.service.ids import new_event_id
from attendance.store.access import late
from attendance.web.security import KIOSK_COOKIE

_JSON = {"X-Kiosk": "1", "Accept": "application/json"}


def screen_as_tablet(target: Target) -> Finding:
    """Use a display-only screen's token for everything that a tablet may do."""
    known = target.known
    client = target.client({KIOSK_COOKIE: known.screen_token})
    event_id = new_event_id(known.installation.clock.now())
    said = {"event": event_id, "said": {"number": known.number, "pin": known.pin}}
    answers = {
        "event": client.post_json("/kiosk/event", said).status,
        "look": client.ask("POST", "/kiosk/look", b"\xff\xd8", {"X-Kiosk": "1", "Content-Type": "image/jpeg"}).status,
        "direction": client.post_json("/kiosk/direction", {"event": event_id, "choice": "in"}).status,
        "undo": client.post_json("/kiosk/undo", {"event": event_id}).status,
    }
    held = all(status == 403 for status in answers.values())
    return Finding(held, ", ".join(f"{name} {status}" for name, status in answers.items()))


def locked_from_outside(target: Target) -> Finding:
    """Type wrong PINs on the web until the number is locked there, then type the right one at the tablet."""
    known = target.known
    stranger = target.client()
    codes = [
        stranger.submit("/me/sign-in", {"number": known.number, "pin": f"{n:06d}"}, "/me/sign-in").status
        for n in range(6)
    ]
    shown = _enter(target, {"number": known.number, "pin": known.pin})
    return Finding(shown.get("state") == "greet", f"web {codes}, tablet {shown.get('state') or shown}")


def another_proof(target: Target) -> Finding:
    """Send the id of somebody's check-in again, with a wrong PIN."""
    known = target.known
    event_id = new_event_id(known.installation.clock.now())
    first = _enter(target, {"number": known.number, "pin": known.pin}, event_id)
    again = _enter(target, {"number": known.number, "pin": "000000"}, event_id)
    return Finding(first.get("name") is not None and not again.get("name"), f"answered {again.get('words')!r}")


def invented_badges(target: Target) -> Finding:
    """Hold up badges that nobody has, one after the other."""
    words = []
    for letter in "ABCDEFGH":
        body = _qr(f"ATT-{'A' * 23}{letter}")
        words.append(_look(target, body).get("words", ""))
        time.sleep(0.3)  # no faster than a tablet may
    refused = words.count("This badge is not known")
    return Finding(refused <= 5, f"{refused} of {len(words)} were looked up, then {words[-1]!r}")


def backdated(target: Target) -> Finding:
    """Check in two hours late under an id of two hours ago."""
    known = target.known
    at = known.installation.clock.now() - timedelta(hours=2)
    shown = _enter(target, {"number": known.number, "pin": known.pin}, new_event_id(at))
    with known.installation.sessions() as session:
        kept = late.late_between(session, known.person_id, at - timedelta(minutes=1), at + timedelta(minutes=1))
    held = len(kept) == 1 and kept[0].received_at is not None and not shown.get("name")
    return Finding(held, f"answered {shown.get('advice')!r}, {len(kept)} kept as late")


def _enter(target: Target, said: dict[str, str], event_id: str | None = None) -> dict[str, Any]:
    """Send an event as a page without https does."""
    known = target.known
    client = target.client({KIOSK_COOKIE: known.tablet_token})
    event_id = event_id or new_event_id(known.installation.clock.now())
    found = client.post_json("/kiosk/event", {"event": event_id, "said": said}).json
    assert isinstance(found, dict)
    return found


def _look(target: Target, picture: bytes) -> dict[str, Any]:
    client = target.client({KIOSK_COOKIE: target.known.tablet_token})
    reply = client.ask("POST", "/kiosk/look", picture, {**_JSON, "Content-Type": "image/png"})
    found = reply.json
    assert isinstance(found, dict)
    return found


def _qr(text: str) -> bytes:
    drawn = io.BytesIO()
    segno.make(text, error="h", micro=False).save(drawn, kind="png", scale=8, border=5)
    return drawn.getvalue()


PROBES = (
    Probe("screens", "A screen's token is used as a tablet.", screen_as_tablet),
    Probe("PINs", "A stranger on the web locks an employee's PIN at the tablet.", locked_from_outside),
    Probe("PINs", "The id of a check-in is sent again with a wrong PIN.", another_proof),
    Probe("late", "A check-in is dated two hours back.", backdated),
    Probe("badges", "Invented badges are held before a tablet.", invented_badges),
)
