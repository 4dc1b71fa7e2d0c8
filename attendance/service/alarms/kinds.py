"""Every kind of alarm: how grave it is, and its words.

In: a kind and the alarm's detail.  Out: texts for pages, mails and webhooks.
Does not know: when an alarm is raised.

To add a kind: add a row here, then call `raise_and_notify` of `service/alarms/alarms.py` where it happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from attendance.texts import N_
from attendance.texts import gettext as _

Severity = Literal["warning", "fault", "security"]


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` and `advice` may name `%(subject)s` and what the alarm's detail holds.

    `lasts`: it is open until its cause is over; else it happened at a moment, and whoever acknowledges it ends it, so
    that the next one is told anew.
    """

    severity: Severity
    words: str
    advice: str
    lasts: bool = True


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
    "duress": Kind(
        "security",
        N_("Somebody passed %(subject)s under duress"),
        N_("The PIN for duress was used. Nothing is shown at the door: call help, and do not call back."),
        lasts=False,
    ),
    "another's factor": Kind(
        "security",
        N_("At %(subject)s a second proof belonged to another person"),
        N_("A face or badge and a PIN did not fit together: find out who stood there."),
        lasts=False,
    ),
    "audit trail": Kind(
        "security",
        N_("The audit trail is broken: somebody changed the record of who did what"),
        N_("The site's log names the entries. Keep the database as it is, and compare it with a backup."),
    ),
    # As `service/access/edge/deciding.py` names it.
    "forged rules": Kind(
        "security",
        N_("Somebody changed what the door's program of %(subject)s keeps for the time without a database"),
        N_("It let nobody in by that. Look at who may write its folder “edge”, and compare the log with the door."),
        lasts=False,
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
    # These are named as `service/access/doors/live.py` names what a door does.
    "door forced": Kind(
        "security",
        N_("The door %(subject)s was opened without a reason"),
        N_("Nobody was let in and no exit button was pressed. Look at the door; the alarm ends when it is closed."),
    ),
    "door held": Kind(
        "warning",
        N_("The door %(subject)s stands open for too long"),
        N_("Close it. If it must stay open, an operator can keep it unlocked for a while."),
    ),
    "door tamper": Kind(
        "security",
        N_("Somebody opened the case or the cable at the door %(subject)s"),
        N_("Look at the reader, the relay and their cables."),
    ),
    "door fire": Kind(
        "security",
        N_("The fire system reports a fire at the door %(subject)s"),
        N_("Leave. The lock is released by wire; open and forced doors are not sounded until the fire is over."),
    ),
    "door offline": Kind(
        "fault",
        N_("The device of the door %(subject)s does not answer"),
        N_("Check its power, cable and address. Until it answers, the door stays locked."),
    ),
}


# What a fire mutes, and nothing else: people leave, and doors stand open.
FIRE, MUTED_BY_FIRE = "door fire", frozenset({"door forced", "door held"})


class Open(Protocol):
    """`Alarm`, as seen from here."""

    kind: str
    acknowledged_at: datetime | None


SomeAlarm = TypeVar("SomeAlarm", bound=Open)


def muted(alarms: Iterable[Open]) -> frozenset[str]:
    """Return the kinds that make no sound while these alarms are open: what a fire mutes, never duress or tamper."""
    return MUTED_BY_FIRE if any(alarm.kind == FIRE for alarm in alarms) else frozenset()


def sounding(alarms: Sequence[SomeAlarm]) -> list[SomeAlarm]:
    """Return which of the open alarms are to be heard: those that nobody acknowledged and no fire mutes."""
    silent = muted(alarms)
    return [alarm for alarm in alarms if alarm.acknowledged_at is None and alarm.kind not in silent]


def title(kind: str, subject: str, detail: Mapping[str, Any]) -> str:
    """Return what is wrong, without a full stop; the kind itself if this version does not know it."""
    known = KINDS.get(kind)
    return kind if known is None else _(known.words, subject=subject, **detail)


def advice(kind: str) -> str:
    """Return what to do; "" for a kind that this version does not know."""
    known = KINDS.get(kind)
    return "" if known is None else _(known.advice)
