"""Sending what is in the outbox: e-mail, and webhooks signed by Standard Webhooks 1.0.

In: messages, a mail server, an address with its secret.  Out: attempts, noted in the outbox.
Does not know: what a message means.
Main choice: a message is taken in one transaction, sent outside of any, and noted in another, so that a server that
does not answer never holds the database.  Trade-off: a power cut in between sends a message twice, under one id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import smtplib
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from http.client import HTTPException
from typing import Any

from attendance.service.mail import MailServer, addresses_in
from attendance.service.mail import send as send_mail
from attendance.service.ports import Clock
from attendance.store.alarms import outbox
from attendance.store.session import Sessions
from attendance.texts import gettext as _

log = logging.getLogger(__name__)

TIMEOUT_S = 10
_GONE = 410


@dataclass(frozen=True, slots=True)
class Channels:
    """How messages leave.  `mail`: its `to` is not used; `secret`: as the settings hold it, "whsec_…"."""

    mail: MailServer | None
    webhook_url: str
    webhook_secret: str
    site: str


class NotDelivered(Exception):
    """Why an attempt failed.  `final`: the receiver asked for no more."""

    def __init__(self, text: str, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


def deliver_due(sessions: Sessions, clock: Clock, channels: Channels) -> int:
    """Try every message that is due once; return how many arrived.  A failure is logged and tried again later."""
    now = clock.now()
    with sessions() as session:
        if not outbox.count_waiting(session):
            return 0
    with sessions.begin() as session:
        taken = outbox.take_due(session, now)
    arrived = 0
    for message in taken:
        error: NotDelivered | None = None
        try:
            deliver(channels, message.channel, message.target, message.id, message.type, message.payload, now)
        except NotDelivered as failure:
            error = failure
        with sessions.begin() as session:
            if error is None:
                outbox.note_sent(session, message.id, clock.now())
                arrived += 1
                continue
            text, final = str(error), error.final
            given_up = outbox.note_failed(session, message.id, message.attempts, text, clock.now(), final)
        log.warning("a %s about %s did not arrive (%s)%s", message.channel, message.payload.get("kind"), text,
                    "; it is given up" if given_up else "; it is sent again")  # fmt: skip
    return arrived


def deliver(
    channels: Channels, channel: str, target: str, message_id: str, event: str, payload: Mapping[str, Any], at: datetime
) -> None:
    """Send one message now; NotDelivered if it did not arrive."""
    if channel == "webhook":
        _post(channels, message_id, event, payload, at)
        return
    if channels.mail is None:
        raise NotDelivered("the settings name no mail server")
    try:
        send_mail(_mail(channels, message_id, event, payload, at), replace(channels.mail, to=addresses_in(target)))
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}") from error


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header webhook-signature: v1 and the HMAC-SHA256 of id, time and body, in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A receiver that has moved is an error in the log; nobody follows it to wherever it says."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(channels: Channels, message_id: str, event: str, payload: Mapping[str, Any], at: datetime) -> None:
    content = {"type": event, "timestamp": payload["raised_at"], "data": {**payload, "site": channels.site}}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(at.timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(channels.webhook_secret, message_id, timestamp, body),
    }
    # The settings allow http and https only.
    request = urllib.request.Request(channels.webhook_url, body, headers, method="POST")  # noqa: S310
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise NotDelivered(f"the receiver answered {error.code}", final=error.code == _GONE) from error
    except (OSError, HTTPException, ValueError) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}") from error


def _mail(channels: Channels, message_id: str, event: str, payload: Mapping[str, Any], at: datetime) -> EmailMessage:
    if event == outbox.LETTER:
        return _letter(message_id, payload["subject"], payload["text"], at)
    title = payload["title"]
    subjects = {
        "alarm.cleared": _("%(site)s: over: %(title)s", site=channels.site, title=title),
        "alarm.escalated": _("%(site)s: nobody acknowledged: %(title)s", site=channels.site, title=title),
    }
    since = _("Since %(time)s (UTC).", time=payload["raised_at"][:16].replace("T", " "))
    text = "\n".join([f"{title}.", "", payload["advice"], since, ""])
    subject = subjects.get(event, _("%(site)s: %(title)s", site=channels.site, title=title))
    return _letter(message_id, subject, text, at)


def _letter(message_id: str, subject: str, text: str, at: datetime) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    # The same at each attempt, so that a mail program shows a repeat once.
    message["Message-ID"] = f"<{message_id}@attendance.invalid>"
    message.set_content(text)
    return message
