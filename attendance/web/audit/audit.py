"""The page Audit: who did what, when, from where; the trail as a file.

In: filters of the address.  Out: a page, a signed export.
Does not know: how the trail is kept.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from attendance.errors import UserError
from attendance.service.audit.keeping import chain_ok, export_lines
from attendance.service.audit.naming import subject_names
from attendance.store.audit import entries
from attendance.store.audit.signatures import Signer
from attendance.store.privacy.erasures import names_of
from attendance.texts import gettext as _
from attendance.web.audit import audit_words
from attendance.web.forms import whole_number
from attendance.web.hours.date_range import day_from
from attendance.web.security import permission
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("audit", __name__, url_prefix="/audit")
PAGE = 50


@blueprint.get("")
@permission("read_audit")
def page() -> ResponseReturnValue:
    """Show entries, newest first, as the filters choose them."""
    site, args = current_site(), request.args
    since, until = _instant(args.get("from", "")), _instant(args.get("to", ""), after=True)
    with site.sessions() as session:
        found = entries.list_entries(
            session,
            limit=PAGE + 1,
            before_seq=args.get("before", type=whole_number),
            action=args.get("action", ""),
            actor=args.get("actor", ""),
            since=since,
            until=until,
        )
        people = names_of(session, {one.subject_id for one in found if one.subject_kind == "person" and one.subject_id})
        names = subject_names(session, found)
        everybody, holds = entries.actors(session), chain_ok(session)
    kept = {name: args[name] for name in ("from", "to", "action", "actor") if args.get(name)}
    return render_template(
        "audit/audit.html",
        entries=found[:PAGE],
        more=found[PAGE - 1].seq if len(found) > PAGE else None,
        people=people,
        actors=everybody,
        names=names,
        actions=sorted(((action.value, _(words)) for action, words in audit_words.ACTS.items()), key=lambda it: it[1]),
        act_words=audit_words.act_words,
        subject_words=audit_words.subject_words,
        detail_words=audit_words.detail_words,
        kept=kept,
        holds=holds,
    )


@blueprint.get("/audit.jsonl")
@permission("export_audit")
@sudo(method="GET")
def export() -> Response:
    """Give out the whole trail with its heads and a signed last line."""
    site = current_site()
    with site.sessions() as session:
        text = "".join(f"{line}\n" for line in export_lines(session, Signer(site.keys), site.clock.now()))
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return Response(text, mimetype="application/jsonl", headers=headers)


def _instant(text: str, after: bool = False) -> datetime | None:
    """Return the midnight at which a day of the address begins, or ends; None for none or a wrong one."""
    if not text:
        return None
    try:
        day = day_from(text)
    except UserError:
        return None
    return datetime.combine(day + timedelta(days=after), time(), current_site().zone)
