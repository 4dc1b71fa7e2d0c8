"""Every kind of alarm: how grave it is, and its words.

In: a kind and the alarm's detail.  Out: texts for pages, mails and webhooks.
Does not know: when an alarm is raised.

To add a kind: add a row here, then call `raise_and_notify` of `service/alarms/alarms.py` where it happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from attendance.texts import N_
from attendance.texts import gettext as _

Severity = Literal["warning", "fault", "security"]


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` and `advice` may name `%(subject)s` and what the alarm's detail holds."""

    severity: Severity
    words: str
    advice: str


KINDS: Mapping[str, Kind] = {
    "no heartbeat": Kind(
        "fault",
        N_("Nobody watches the camera %(subject)s"),
        N_("Start its daemon. If it ends again, its log says why."),
    ),
    "camera lost": Kind(
        "fault",
        N_("The camera %(subject)s sends no pictures"),
        N_("Check the camera's power, cable and address; the daemon connects again by itself."),
    ),
    "cannot write": Kind(
        "fault",
        N_("The database cannot be written"),
        N_("Nobody passes and no form is saved. The page System says what is wrong."),
    ),
    "disk": Kind(
        "warning",
        N_("The disk is nearly full: %(free_mb)s MB are free"),
        N_("Delete old backups or logs, before nothing can be saved any more."),
    ),
    "backup": Kind(
        "warning",
        N_("The newest backup is too old"),
        N_("The site's log says why none was made. Make one by the command backup."),
    ),
    "clock": Kind(
        "fault",
        N_("The computer's clock is wrong"),
        N_("It jumped, or it is before the newest entry in the log. Set it, and let it follow a time server."),
    ),
    # These two are named as `domain/access/repeated_looks.py` names what it suspects.
    "frozen face": Kind(
        "security",
        N_("The camera %(subject)s shows the same picture of a face for a while"),
        N_("It is frozen, or somebody replaced its pictures. Look at the camera and its cable, and restart it."),
    ),
    "repeated sequence": Kind(
        "security",
        N_("The camera %(subject)s shows the same pictures of a face again and again"),
        N_("Somebody may be playing a recording. Look at the camera, at its cable and at the door."),
    ),
}


def title(kind: str, subject: str, detail: Mapping[str, Any]) -> str:
    """Return what is wrong, without a full stop; the kind itself if this version does not know it."""
    known = KINDS.get(kind)
    return kind if known is None else _(known.words, subject=subject, **detail)


def advice(kind: str) -> str:
    """Return what to do; "" for a kind that this version does not know."""
    known = KINDS.get(kind)
    return "" if known is None else _(known.advice)
