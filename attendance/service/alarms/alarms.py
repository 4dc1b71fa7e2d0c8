"""Raising and ending an alarm, and telling whoever the settings name.

In: a session, a kind, a subject.  Out: a row, and messages in the outbox of the same transaction.
Does not know: how messages travel (`delivery`), what watches for trouble (`watch`).
Main choice: whoever is notified is written with the alarm, in one commit: nobody hears of what did not happen, and
nothing happens in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from attendance.config import Alarms
from attendance.service.alarms import kinds
from attendance.service.ids import new_event_id
from attendance.store.alarms import alarms, outbox
from attendance.store.alarms.alarms import Alarm

RAISED, CLEARED, ESCALATED = "alarm.raised", "alarm.cleared", "alarm.escalated"


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who is notified: addresses separated by commas, "" for nobody; whether there is a webhook."""

    mail: str = ""
    escalation: str = ""
    webhook: bool = False

    @classmethod
    def of(cls, settings: Alarms, mail_server: str) -> Recipients:
        """Return those of the settings; no mail without a server."""
        mail = settings.mail_to if mail_server else ""
        return cls(mail, (settings.escalate_to or mail) if mail_server else "", bool(settings.webhook_url))


NOBODY = Recipients()


def raise_and_notify(
    session: Session, kind: str, subject: str, detail: Mapping[str, Any], at: datetime, to: Recipients
) -> Alarm:
    """Open an alarm and put its messages into the outbox; one that is open already is only counted.

    `detail`: plain values for the words, never a person.  KeyError for a kind that is not in KINDS.  What happens at a
    moment and was acknowledged is over, whichever version noted it.
    """
    if not kinds.KINDS[kind].lasts:
        alarms.end_acknowledged(session, kind, subject, at)
    alarm, new = alarms.raise_alarm(
        session,
        alarm_id=new_event_id(at),
        kind=kind,
        subject=subject,
        severity=kinds.KINDS[kind].severity,
        detail=detail,
        at=at,
    )
    if new:
        notify(session, alarm, RAISED, at, to, to.mail)
    return alarm


def acknowledge(session: Session, alarm_id: str, *, by: str, at: datetime) -> Alarm | None:
    """Note who looks after an alarm, which ends one that does not last; None as `store.alarms.acknowledge`."""
    alarm = alarms.acknowledge(session, alarm_id, by=by, at=at)
    known = None if alarm is None else kinds.KINDS.get(alarm.kind)
    if alarm is not None and known is not None and not known.lasts:
        alarms.end_acknowledged(session, alarm.kind, alarm.subject, at)
    return alarm


def clear_and_notify(session: Session, kind: str, subject: str, at: datetime, to: Recipients) -> Alarm | None:
    """End the open alarm of this kind and subject, if there is one, and notify whoever heard of it."""
    alarm = alarms.clear_alarm(session, kind, subject, at)
    if alarm is not None:
        notify(session, alarm, CLEARED, at, to, to.mail)
    return alarm


def notify(session: Session, alarm: Alarm, event: str, at: datetime, to: Recipients, mail: str) -> None:
    """Put one message for each channel into the outbox."""
    payload = payload_of(alarm.id, alarm.kind, alarm.subject, alarm.severity, alarm.detail, alarm.raised_at)
    for channel, target, wanted in (("mail", mail, bool(mail.strip())), ("webhook", "", to.webhook)):
        if wanted:
            outbox.put(
                session,
                message_id=new_event_id(at),
                channel=channel,
                target=target,
                kind=event,
                payload=payload,
                at=at,
            )


def payload_of(
    alarm_id: str, kind: str, subject: str, severity: str, detail: Mapping[str, Any], raised_at: datetime
) -> dict[str, Any]:
    """Return what a message holds: no picture, no name of a person, no score."""
    return {
        "id": alarm_id,
        "kind": kind,
        "subject": subject,
        "severity": severity,
        "title": kinds.title(kind, subject, detail),
        "advice": kinds.advice(kind),
        "raised_at": raised_at.isoformat(),
    }
