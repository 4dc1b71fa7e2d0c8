"""Handing an e-mail to the site's mail server.

In: a message, a server.  Out: a sent message.
Does not know: what is in it, what the settings file looks like.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class MailServer:
    """`security`: "starttls", "tls" or "none".  Without a `user`, nobody signs in to the server."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    to: tuple[str, ...]


def addresses_in(text: str) -> tuple[str, ...]:
    """Split addresses that are separated by commas."""
    return tuple(address.strip() for address in text.split(",") if address.strip())


def send(message: EmailMessage, server: MailServer) -> None:
    """Hand the message to the server; OSError or smtplib.SMTPException if the server does not take it."""
    message["From"] = server.sender
    message["To"] = ", ".join(server.to)
    context = ssl.create_default_context()
    if server.security == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    with connection:
        if server.security == "starttls":
            connection.starttls(context=context)
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(message)
