"""Which employee is signed in to the employees' pages: a cookie beside that of the operators.

In: a request; a person whose identity is proven.  Out: `Employee`; a cookie that names the person for an hour.
Does not know: PINs and links (store/people/credentials.py), the pages (me.py, sign_in.py), operators.
Main choice: the cookie is sent to these pages only and opens nothing else, even if an operator is signed in
on the same browser.  It carries a fingerprint of the PIN's hash: changing or removing the PIN ends every session.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from attendance.service.ports import age_since, mark_of
from attendance.store.people import credentials, people
from attendance.web.site import current_site

COOKIE = "attendance_me"
PATH = "/me"
LASTS = timedelta(hours=1)
Way = Literal["pin", "link"]


@dataclass(frozen=True, slots=True)
class Employee:
    """`way`: how the person signed in; after a link, a new PIN can be chosen without the old one."""

    id: int
    name: str
    staff_number: str | None
    way: Way
    has_pin: bool


def signed_in() -> Employee | None:
    """Return whom the cookie names, if it is not too old, the person is active and the PIN is the same."""
    try:
        claims = _serializer().loads(request.cookies.get(COOKIE, ""))
        person_id, begun, proof, way = int(claims["id"]), float(claims["at"]), str(claims["proof"]), claims["way"]
        mark = str(claims.get("mark", ""))  # older cookies have none
    except (BadSignature, KeyError, TypeError, ValueError):
        return None
    age = age_since(current_site().clock, mark, datetime.fromtimestamp(begun, UTC))
    if age is None or not timedelta(minutes=-1) <= age <= LASTS or way not in ("pin", "link"):
        return None
    with current_site().sessions() as session:
        person = people.active_person(session, person_id, current_site().clock.now())
        if person is None or not hmac.compare_digest(proof, _fingerprint(session, person_id)):
            return None
        secret = credentials.secret_of(session, person_id)
        has_pin = secret is not None and secret.pin_hash is not None
    return Employee(person.id, person.name, person.staff_number, way, has_pin)


def begin(response: Response, person_id: int, way: Way) -> Response:
    """Sign this browser in until it is closed, and for an hour at most."""
    site = current_site()
    with site.sessions() as session:
        proof = _fingerprint(session, person_id)
    claims = {
        "id": person_id,
        "at": site.clock.now().timestamp(),
        "proof": proof,
        "way": way,
        "mark": mark_of(site.clock),
    }
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(COOKIE, _serializer().dumps(claims), path=PATH, httponly=True, secure=secure, samesite="Lax")
    return response


def end(response: Response) -> Response:
    """Sign this browser out."""
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _fingerprint(session: Session, person_id: int) -> str:
    secret = credentials.secret_of(session, person_id)
    pin = (secret.pin_hash if secret is not None else None) or ""
    return hashlib.sha256(f"own pages of {person_id} {pin}".encode()).hexdigest()[:24]


def _serializer() -> URLSafeSerializer:
    key = current_app.secret_key
    assert isinstance(key, str | bytes)
    return URLSafeSerializer(key, salt="own pages of a person")
