"""«Who can pass here on Sunday at 03:00, and why?»

In: an access point, a day, a time.  Out: a page with everybody's verdict in words.
Does not know: how a verdict is made.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from attendance.domain.access.rules.decide import Outcome
from attendance.domain.access.rules.factors import Factor, FactorSet
from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.service.access.policy import who_passes
from attendance.service.access.policy.overview import in_force
from attendance.service.access.reason_texts import reason_words
from attendance.store.access import policies
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.hours.date_range import day_from, instant_from
from attendance.web.listing import Column, listing_of
from attendance.web.security import permission
from attendance.web.site import current_site

blueprint = Blueprint("who_passes", __name__, url_prefix="/doors/who")

VERDICTS = {
    Outcome.GRANT: ("working", N_("passes")), Outcome.STEP_UP: ("doubt", N_("needs more")),
    Outcome.DENY: ("trouble", N_("refused")),
}  # fmt: skip
COLUMNS: tuple[Column[who_passes.Answer], ...] = (
    Column("person", N_("Person"), lambda one: one.name),
    Column("verdict", N_("Verdict"), lambda one: tuple(VERDICTS).index(one.verdict.outcome)),
)
FACTORS = {Factor.FACE: N_("face"), Factor.PIN: N_("PIN"), Factor.BADGE: N_("badge")}


@blueprint.get("")
@permission("read_right")
def page() -> ResponseReturnValue:
    site, args = current_site(), request.args
    now = site.local(site.clock.now())
    day, clock = args.get("day", now.date().isoformat()), args.get("time", now.strftime("%H:%M"))
    at, problem = site.clock.now(), ""
    try:
        at = instant_from(day_from(day), clock, args.get("which", ""))
    except UserError as error:
        problem = error_sentence(error)
    with site.sessions() as session:
        rules = policies.load_rules(session, site.zone)
        points = sorted(
            rules.points.values(), key=lambda one: (sort_key(rules.doors[one.door].name), sort_key(one.name))
        )
        wanted = args.get("point", "")
        point = next((one for one in points if one.name == wanted), points[0] if points else None)
        answers = [] if point is None or problem else who_passes.who_passes(session, site.zone, point.name, at)
        sets = () if point is None else who_passes.accepted_factors(in_force(session, site.zone), point.name, at)
    return render_template(
        "access/who_passes.html", points=points, doors=rules.doors, point=point, day=day, time=clock, at=at,
        problem=problem, answers=answers, passing=sum(one.verdict.outcome is not Outcome.DENY for one in answers),
        accepted=accepted_words(sets), local=_local, reason_words=reason_words, levels=rules.levels,
        which=args.get("which", ""), dots={outcome: dot for outcome, (dot, _words) in VERDICTS.items()},
        verdict_words=_verdict_words, listing=listing_of(answers, COLUMNS, _texts),
    ), 400 if problem else 200  # fmt: skip


def _verdict_words(answer: who_passes.Answer) -> str:
    return _(VERDICTS[answer.verdict.outcome][1])


def _texts(answer: who_passes.Answer) -> tuple[str, ...]:
    return answer.name, answer.department, _verdict_words(answer)


def accepted_words(sets: tuple[FactorSet, ...]) -> str:
    """Return sets of factors as words, such as "face, or badge + PIN"; empty if nothing is accepted."""
    order = list(Factor)
    words = [" + ".join(_(FACTORS[one]) for one in sorted(each, key=order.index)) for each in sets]
    return _(", or ").join(words)


def _local(at: datetime) -> datetime:
    return current_site().local(at)
