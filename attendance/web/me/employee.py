"""Which employee is signed in to the employees' pages: a cookie beside that of the operators.

In: a request; a person whose identity is proven.  Out: `Employee`; a cookie that holds a token for an hour.
Does not know: PINs and links, the pages (me.py, sign_in.py), operators.
Main choice: the cookie is sent to these pages only and opens nothing else, even if an operator is signed in
on the same browser.  The sign-in itself is a row: signing out, another PIN and leaving the company end it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from flask import Response, current_app, request

from attendance.service.ports import age_since, mark_of
from attendance.store.operators import sign_ins
from attendance.store.people import credentials, people
from attendance.web.auth import caller
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
    """Return whose sign-in the cookie's token is, if it was not ended, is not too old, and the person is active."""
    site = current_site()
    with site.sessions() as session:
        found = sign_ins.find(session, request.cookies.get(COOKIE, ""))
        if found is None or found.person_id is None or found.way not in ("pin", "link"):
            return None
        age = age_since(site.clock, found.begun_mark, found.begun_at)
        if age is None or not timedelta(minutes=-1) <= age <= LASTS:
            return None
        person = people.active_person(session, found.person_id, site.clock.now())
        if person is None:
            return None
        secret = credentials.secret_of(session, found.person_id)
        has_pin = secret is not None and secret.pin_hash is not None
        way: Way = "pin" if found.way == "pin" else "link"
    return Employee(person.id, person.name, person.staff_number, way, has_pin)


def begin(response: Response, person_id: int, way: Way) -> Response:
    """Sign this browser in until it is closed, and for an hour at most; whoever was signed in here before is not."""
    site = current_site()
    with site.sessions.begin() as session:
        sign_ins.end(session, request.cookies.get(COOKIE, ""))
        token = sign_ins.begin(
            session, person_id=person_id, way=way, at=site.clock.now(), mark=mark_of(site.clock), caller=caller()
        )
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(COOKIE, token, path=PATH, httponly=True, secure=secure, samesite="Lax")
    return response


def end(response: Response) -> Response:
    """Sign this browser out: a copy of its cookie is worth nothing from now on."""
    with current_site().sessions.begin() as session:
        sign_ins.end(session, request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, path=PATH)
    return response
