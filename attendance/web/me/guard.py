"""What the employees' pages share: the blueprint, its guard, who is signed in, how a guess is counted.

In: a request.  Out: the blueprint "me"; the employee of this request.
Does not know: the pages (me.py, sign_in.py), what the cookie holds (employee.py).
Main choice: no address of these pages names a person; the cookie alone decides whose data is shown, so
that there is no number to try.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from attendance.web.me import employee
from attendance.web.me.employee import Employee
from attendance.web.security import caller_address

blueprint = Blueprint("me", __name__, url_prefix=employee.PATH)

# Reachable without being signed in; everything else in this room asks for it.
OPEN = {"me.sign_in_page", "me.sign_in", "me.link", "me.look_at_link", "me.use_link"}


@blueprint.before_request
def _require_sign_in() -> ResponseReturnValue | None:
    me = employee.signed_in()
    if me is not None:
        g.me = me
    elif request.endpoint not in OPEN:
        return redirect(url_for("me.sign_in_page"))
    return None


@blueprint.context_processor
def _me() -> dict[str, Any]:
    return {"me": g.get("me")}


def signed_in_employee() -> Employee:
    """Return who is signed in; the guard has let the request pass."""
    me = g.me
    assert isinstance(me, Employee)
    return me


def signed_in_as() -> str:
    """Return the employee of this request as the log names them: by the number alone."""
    return f"person {signed_in_employee().id}"


def by_person() -> str:
    """Count tries by person: a whole company may come from one address."""
    me = employee.signed_in()
    return caller_address() if me is None else f"person {me.id}"


def redirect_to(endpoint: str) -> Response:
    """Return a redirect that a cookie can be added to."""
    # `redirect` is typed as Werkzeug's own response; Flask makes it this one.
    made = redirect(url_for(endpoint))
    assert isinstance(made, Response)
    return made
