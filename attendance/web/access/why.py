"""Why somebody was refused, or let in: one entry of the log explained.

In: the id of a passage.  Out: a page in two parts: words that may be shown to that person, and the numbers, for
operators.
Does not know: how a decision is made (domain/access), or how it is put in words (service/access/explain.py).
Main choice: who it might have been is not said, not even to administrators, because a refusal is stored
without a candidate.  The neighbouring entries of the log usually answer that: most who are refused try again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from attendance.config import Quality
from attendance.domain.passage import Passage
from attendance.domain.reason import Reason
from attendance.service.access.explain import Doubt, doubt_of, explain
from attendance.service.access.liveness.words import challenge_words, liveness_words
from attendance.service.access.reason_forms import Measure
from attendance.service.access.reason_texts import measure_of, reason_advice
from attendance.service.ids import made_at
from attendance.store.access import challenges, events, liveness
from attendance.store.calibration import operating_points
from attendance.store.people import templates
from attendance.texts import gettext as _
from attendance.texts import ngettext
from attendance.web.formats import decimal, score
from attendance.web.security import permission
from attendance.web.site import current_site

blueprint = Blueprint("why", __name__, url_prefix="/log")

AROUND = timedelta(minutes=2)
MOST_AROUND = 12
# A miss by less than this is a near miss: a better picture may be enough.
NEAR_MISS = 0.05


@dataclass(frozen=True, slots=True)
class Number:
    label: str
    value: str
    words: str


@blueprint.get("/<passage_id>")
@permission("read_log")
def page(passage_id: str) -> ResponseReturnValue:
    site = current_site()
    try:
        made_at(passage_id)
    except ValueError:
        abort(404)
    with site.sessions() as session:
        view = events.get_passage(session, passage_id.lower())
        if view is None:
            abort(404)
        passage = view.passage
        around = events.list_passages(
            session, since=passage.at - AROUND, until=passage.at + AROUND, camera=passage.camera, limit=MOST_AROUND
        )
        found = liveness.rulings_of(session, [passage.id]).get(passage.id)
        asked = challenges.of_passages(session, [passage.id]).get(passage.id)
        points = operating_points.history(session, passage.model_id) if passage.model_id else ()
        unknown = passage.reason is Reason.UNKNOWN and passage.model_id == site.model_id
        left = templates.people_of_other_models(session, site.model_id) if unknown else 0
    usual = next((point.margin for point in points if point.created_at <= passage.at), None)
    return render_template(
        "access/why.html",
        **_context(passage, usual, left),
        view=view,
        around=around if len(around) > 1 else [],
        liveness=None if found is None else liveness_words(found),
        challenge=None if asked is None else challenge_words(asked),
    )


def _context(passage: Passage, usual_margin: float | None, left: int) -> dict[str, Any]:
    """`left`: so many people cannot be known, since they have templates of another network only."""
    doubt = doubt_of(passage, usual_margin)
    measured = _measured(passage, current_site().settings.quality)
    return {
        "passage": passage,
        "explanation": explain(passage, usual_margin),
        "numbers": _numbers(passage, doubt) if measured is None else [measured],
        "hint": " ".join(text for text in (_hint(passage, doubt), _left(left)) if text),
    }


def _left(number: int) -> str:
    """Return who else it may have been after a change of recogniser."""
    if not number:
        return ""
    return ngettext(
        "Or it is the person who is enrolled with another recognition model only: enrol this person again.",
        "Or it is one of %(number)s people who are enrolled with another recognition model only: enrol them again.",
        number,
    )


def _numbers(passage: Passage, doubt: Doubt) -> list[Number]:
    """Return what was compared with what; empty if nothing was."""
    if passage.score is None:
        return []
    alike = _("How alike the face and this person’s photos were.")
    rows = [Number(_("Score of the nearest person"), score(passage.score), alike)]
    if passage.threshold is not None:
        missing = passage.threshold - passage.score
        words = _("%(score)s were missing.", score=score(missing)) if missing > 0 else _("Reached.")
        rows.append(Number(_("Threshold in force then"), score(passage.threshold), words))
    if passage.runner_up is not None:
        ahead = passage.score - passage.runner_up
        rows.append(Number(_("Score of the second person"), score(passage.runner_up), _("Must be clearly lower.")))
        rows.append(Number(_("Distance between the two"), score(ahead), _distance(passage, doubt)))
    return rows


def _distance(passage: Passage, doubt: Doubt) -> str:
    if passage.margin is None:
        return _("The margin that was asked for was not recorded then.")
    margin = score(passage.margin)
    if doubt is Doubt.LOOK_ALIKE and not passage.granted:
        return _("At least %(margin)s was asked for, more than usual: these two look alike.", margin=margin)
    return _("At least %(margin)s was asked for.", margin=margin)


def _hint(passage: Passage, doubt: Doubt) -> str:
    """Return what an operator may do."""
    if passage.granted:
        return ""
    if passage.reason is Reason.UNKNOWN and passage.score is not None and passage.threshold is not None:
        if passage.threshold - passage.score < NEAR_MISS:
            return _(
                "A near miss. If the person is enrolled, photos taken at this camera help most; a lower threshold "
                "would let more strangers in as well."
            )
        return _(
            "Far below the threshold: a stranger, somebody who is not enrolled, or a face that has changed since the "
            "photos. A lower threshold would not help here."
        )
    if passage.reason is Reason.AMBIGUOUS and doubt is not Doubt.UNCLEAR:
        return {
            Doubt.SECOND: _("Clearer photos of both people help. People → Look-alikes shows the pairs."),
            Doubt.LOOK_ALIKE: _("This pair is on the list of look-alikes. Give both a PIN or badge."),
            Doubt.DISAGREED: _("Nobody can be in two places: check who passed at the same time."),
        }[doubt]
    return reason_advice(passage.reason)


def _measured(passage: Passage, limits: Quality) -> Number | None:
    """Return what was wrong with a poor picture, beside the quality gate's present limit; None for other reasons."""
    measure = measure_of(passage.reason)
    if measure is None:
        return None
    value = _("not recorded") if passage.measured is None else _value(measure, passage.measured)
    limit, key = _value(measure, getattr(limits, measure.limit)), f"quality.{measure.limit}"
    words = (
        _("Needed today: at least %(limit)s (setting %(key)s).", limit=limit, key=key)
        if measure.at_least
        else _("Needed today: at most %(limit)s (setting %(key)s).", limit=limit, key=key)
    )
    return Number(_(measure.label), value, words)


def _value(measure: Measure, value: float) -> str:
    return _(measure.form, value=decimal(value * measure.scale, measure.digits))
