"""Passkeys in a request: whether they can work at this address, challenges, answers that are checked and used.

In: a request, a browser's answer.  Out: the site as passkeys know it, or why there is none; `Held` answers.
Does not know: pages, what a use is good for (auth.py, proof.py, passkeys.py).
Main choice: a challenge is in the browser's signed cookie, with what it is for, and is written down once it was
answered rightly, so that strangers who ask for challenges write nothing.  Trade-off: a browser has one challenge at a
time, so of two tabs the one that asked last goes on.
"""

from __future__ import annotations

import base64
import ipaddress
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import request, session
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Actor, Subject, record
from attendance.service.operators import passkeys as protocol
from attendance.service.operators.passkeys import Added, Party
from attendance.service.ports import age_since, mark_of
from attendance.store.operators import oidc_accounts, operators, passkeys
from attendance.texts import gettext as _
from attendance.web.site import current_site

log = logging.getLogger(__name__)
_CHALLENGE = "passkey"  # where the cookie of a browser keeps its challenge
LASTS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that holds and was not used yet."""

    passkey_id: int
    operator_id: int
    sign_count: int
    user_verified: bool
    challenge: bytes


def party() -> Party | None:
    """Return the site as passkeys know it, None where they cannot work."""
    return _party()[0]


def why_not() -> str:
    """Return why no passkey works at this address, "" if they do."""
    return _party()[1]


def _party() -> tuple[Party | None, str]:
    settings = current_site().settings
    public, name = settings.web.public_url, settings.site.name
    host = (urlsplit(f"//{request.host}").hostname or "").lower()
    if not protocol.is_installed():
        return None, _("Passkeys need a package that is not installed here: pip install 'attendance[passkeys]'")
    if host == "localhost" and _is_this_computer(request.remote_addr or ""):
        # The port is the server's and not the one that the request names.
        return protocol.party_here(int(request.environ["SERVER_PORT"]), name, request.scheme), ""
    found = protocol.party_of(public, name)
    if found is None and not public:
        return None, _("Passkeys need https and a host name: set web.public_url in the settings.")
    if found is None:
        return None, _("Passkeys need https and a host name, which %(address)s is not.", address=public)
    if host != found.rp_id:
        return None, _("Passkeys work at %(address)s only: open the site there.", address=found.origin)
    return found, ""


def _is_this_computer(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def begin(purpose: str) -> bytes:
    """Return a new challenge for this browser.  `purpose`: what an answer will be good for, and for whom."""
    site, challenge = current_site(), secrets.token_bytes(32)
    session[_CHALLENGE] = {
        "challenge": base64.b64encode(challenge).decode(), "for": purpose,
        "at": site.clock.now().isoformat(), "mark": mark_of(site.clock),
    }  # fmt: skip
    return challenge


def options(purpose: str, operator_id: int | None) -> dict[str, Any] | None:
    """Return what the browser is asked to answer, None if passkeys cannot work here.

    `operator_id`: whose passkeys; None: any that the browser has for this host.
    """
    here = party()
    if here is None:
        return None
    known: list[str] = []
    if operator_id is not None:
        with current_site().sessions() as database:
            mine = passkeys.list_of(database, operator_id)
            known = [one.credential_id for one in mine if one.rp_id == here.rp_id]
    return protocol.to_answer(here, begin(purpose), known)


def offered(operator_id: int | None) -> bool:
    """Return whether a page offers passkeys: those of this operator at this address, or anybody's to sign in."""
    here = party()
    if here is None:
        return False
    with current_site().sessions() as database:
        if operator_id is None:
            return passkeys.are_at(database, here.rp_id)
        return any(one.rp_id == here.rp_id for one in passkeys.list_of(database, operator_id))


def held(answer: str, purpose: str, operator_id: int | None = None) -> Held | None:
    """Return what an answer says if it holds: of this operator's passkeys, or of anybody's.

    It answers this browser's challenge, which was for this purpose and ends here.
    """
    here, challenge, site = party(), _taken(purpose), current_site()
    if here is None or challenge is None:
        return None
    with site.sessions() as database:
        known = passkeys.find(database, protocol.id_of(answer))
    if known is None or known.rp_id != here.rp_id or operator_id not in (None, known.operator_id):
        return None
    handle = site.keys.passkey_handle(known.operator_id)
    found = protocol.answered(here, challenge, answer, known.public_key, handle)
    if found is None:
        return None
    return Held(known.id, known.operator_id, found.sign_count, found.user_verified, challenge)


def added(answer: str, purpose: str) -> tuple[Added, Party] | None:
    """Return a new passkey of an answer that holds, and the site that it is for."""
    here, challenge = party(), _taken(purpose)
    if here is None or challenge is None or len(answer) > protocol.MAX_ANSWER:
        return None
    found = protocol.added(here, challenge, answer)
    return None if found is None else (found, here)


def use(database: Session, found: Held, *, at: datetime) -> bool:
    """Use an answer up in the transaction of what it opens; return whether it opens anything.

    The caller commits in either case: a counter that went back is noted in the audit.
    """
    if not passkeys.spend(database, found.challenge, at=at):
        return False
    try:
        operator = operators.get_operator(database, found.operator_id)
    except UserError:
        return False
    # Who signs in at a provider does so there only, so that an account that ended there ends here.
    if not operator.active or oidc_accounts.has_account(database, operator.id):
        return False
    if passkeys.note_use(database, found.passkey_id, found.sign_count, at=at):
        return True
    log.warning("passkey %d of operator %d may have a copy: its counter went back", found.passkey_id, operator.id)
    actor, subject = Actor("system", "passkeys"), Subject("operator", operator.id)
    detail = {"passkey": found.passkey_id}
    record(database, actor=actor, action=Action.SUSPECT_PASSKEY, subject=subject, detail=detail, at=at)
    return False


def _taken(purpose: str) -> bytes | None:
    """Return this browser's challenge and forget it; None unless it was for this purpose, a moment ago."""
    kept, site = session.pop(_CHALLENGE, None), current_site()
    if not isinstance(kept, dict) or kept.get("for") != purpose:
        return None
    age = age_since(site.clock, kept["mark"], datetime.fromisoformat(kept["at"]))
    if age is None or not timedelta(minutes=-1) <= age <= LASTS:
        return None
    return base64.b64decode(kept["challenge"])
