"""Attacks on tablets and screens.

In: a scratch site with a paired tablet and a paired screen.  Out: findings.
Does not know: how a tablet's page works.
"""

from __future__ import annotations

from attendance.programs.probes.attack import Finding, Probe, Target
from attendance.service.ids import new_event_id
from attendance.web.security import KIOSK_COOKIE


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


PROBES = (Probe("screens", "A screen's token is used as a tablet.", screen_as_tablet),)
