"""Dangerous acts: who does one proves again who they are, unless they did so a moment ago.

In: views that are marked; requests.  Out: the view's answer, or a page that asks for the proof.
Does not know: what is asked and how it is checked (operators/proof.py), what an act does.
Main choice: the page that asks carries what was typed in hidden fields and posts it on after the proof, so that nobody
types anything twice and nothing of it is stored.  Trade-off: files cannot be carried so; no dangerous act has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, ParamSpec, TypeVar

from flask import Flask, abort, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.service.ports import age_since
from attendance.store.operators import oidc_accounts, second_factors
from attendance.texts import gettext as _
from attendance.web.operators import passkey_check
from attendance.web.security import wants_json
from attendance.web.site import current_site, site_of

P = ParamSpec("P")
R = TypeVar("R")
_DANGER = "dangerous_act"  # the attribute of a view
# Fields of the page that asks begin so; all others are the act's own.
OURS = "proof_"


@dataclass(frozen=True, slots=True)
class Danger:
    """`method`: of the request that does it; `when`: whether this request does, None: each.

    `by_view`: the view itself finds out and calls `require_proof`.
    """

    method: Literal["GET", "POST"]
    when: Callable[[], bool] | None
    by_view: bool


def sudo(
    *, method: Literal["GET", "POST"] = "POST", when: Callable[[], bool] | None = None, by_view: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a view whose act needs a fresh proof; stands beside `@permission`."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, _DANGER, Danger(method, when, by_view))
        return view

    return mark


def danger_of(view: Callable[..., object]) -> Danger | None:
    """Return what makes this view dangerous, None for most."""
    found: Danger | None = getattr(view, _DANGER, None)
    return found


def init_app(app: Flask) -> None:
    app.before_request(_guard)


def is_proven() -> bool:
    """Return whether the operator of this request proved recently who they are; not if the clock cannot tell."""
    site, sign_in = current_site(), current_user.sign_in
    if sign_in is None:
        return False
    age = age_since(site.clock, sign_in.proven_mark, sign_in.proven_at)
    longest = timedelta(minutes=site.settings.web.proof_minutes)
    return age is not None and timedelta(minutes=-1) <= age <= longest


def require_proof() -> None:
    """Answer with the page that asks, instead of going on, unless the proof is fresh."""
    if not is_proven():
        abort(make_response(ask()))


def ask(error: str = "", target: str = "", method: str = "") -> ResponseReturnValue:
    """Return the page that asks.  `target`, `method`: of the act, if not this request's."""
    if wants_json():
        words = _("Prove again who you are.")
        return {"ok": False, "words": words, "advice": _("Reload the page and repeat this.")}, 403
    site = site_of(current_app)
    with site.sessions() as session:
        has_code = second_factors.is_on(session, current_user.operator_id)
        has_app = second_factors.has_app(session, current_user.operator_id)
        by_provider = oidc_accounts.has_account(session, current_user.operator_id)
    kept = [(name, value) for name, value in request.form.items(multi=True) if not is_ours(name)]
    page = render_template(
        "operators/proof.html",
        kept=kept,
        target=target or request.full_path.rstrip("?"),
        method=method or request.method,
        has_code=has_code,
        has_app=has_app,
        passkeys=passkey_check.offered(current_user.operator_id),
        by_provider=by_provider,
        error=error,
        minutes=site.settings.web.proof_minutes,
    )
    return page, 401


def is_ours(name: str) -> bool:
    """Return whether a field belongs to the page that asks and not to the act."""
    return name.startswith(OURS) or name == "csrf_token"


def _guard() -> ResponseReturnValue | None:
    view = current_app.view_functions.get(request.endpoint or "")
    danger = None if view is None else danger_of(view)
    if danger is None or danger.by_view or not current_user.is_authenticated:
        return None
    if (request.method == "POST") != (danger.method == "POST") or is_proven():
        return None
    return ask() if danger.when is None or danger.when() else None
