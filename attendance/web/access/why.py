"""Why somebody was refused, or let in: one entry of the log explained.

In: the id of a passage.  Out: a page in two parts: words that may be shown to the person who stood there, and the
numbers, for operators.
Does not know: how a decision is made (domain/decision.py), or how it is put in words (service/explain.py).
Main choice: who it might have been is not said, not even to administrators, because a refusal is stored
without a candidate.  What neighbours the entry in the log usually answers that: most who are refused try again.
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
from attendance.service.ids import made_at
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.web.formats import score
from attendance.web.site import current_site

blueprint = Blueprint("why", __name__, url_prefix="/log")

AROUND = timedelta(minutes=2)
MOST_AROUND = 12
# A miss by less than this is told apart from one by more: a better picture may mend it.
NEAR_MISS = 0.05


@dataclass(frozen=True, slots=True)
class Number:
    label: str
    value: str
    words: str


@blueprint.get("/<passage_id>")
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
        it = view.passage
        around = events.list_passages(
            session, since=it.at - AROUND, until=it.at + AROUND, camera=it.camera, limit=MOST_AROUND
        )
        points = operating_points.history(session, it.model_id) if it.model_id else ()
    usual = next((point.margin for point in points if point.created_at <= it.at), None)
    return render_template(
        "access/why.html", **_context(it, usual), view=view, around=around if len(around) > 1 else []
    )


def _context(it: Passage, usual_margin: float | None) -> dict[str, Any]:
    measure = _measure(it, current_site().settings.quality)
    return {
        "it": it,
        "told": explain(it, usual_margin),
        "numbers": _numbers(it, doubt_of(it, usual_margin)) if measure is None else [measure],
        "hint": _hint(it, doubt_of(it, usual_margin)),
    }


def _numbers(it: Passage, doubt: Doubt) -> list[Number]:
    """What was compared with what; empty where nothing was."""
    if it.score is None:
        return []
    rows = [Number("Score of the nearest person", score(it.score), "How alike the face and this person’s photos were.")]
    if it.threshold is not None:
        missing = it.threshold - it.score
        words = f"{score(missing)} were missing." if missing > 0 else "Reached."
        rows.append(Number("Threshold in force then", score(it.threshold), words))
    if it.runner_up is not None:
        rows.append(Number("Score of the second person", score(it.runner_up), "Must be clearly lower."))
        rows.append(Number("Distance between the two", score(it.score - it.runner_up), _distance(it, doubt)))
    return rows


def _distance(it: Passage, doubt: Doubt) -> str:
    if it.margin is None:
        return "How much was asked for was not recorded then."
    more = ", more than usual: these two look alike" if doubt is Doubt.LOOK_ALIKE and not it.granted else ""
    return f"At least {score(it.margin)} was asked for{more}."


def _hint(it: Passage, doubt: Doubt) -> str:
    """What an operator may do."""
    if it.granted:
        return ""
    if it.reason is Reason.UNKNOWN and it.score is not None and it.threshold is not None:
        if it.threshold - it.score < NEAR_MISS:
            return (
                "A near miss. If the person is enrolled, photos taken at this camera help most; a lower threshold "
                "would let more strangers in as well."
            )
        return (
            "Far below the threshold: a stranger, somebody who is not enrolled, or a face that has changed since the "
            "photos. A lower threshold is no answer to this one."
        )
    if it.reason is Reason.AMBIGUOUS:
        return {
            Doubt.SECOND: "Clearer photos of both people help. People → Look-alikes shows the pairs.",
            Doubt.LOOK_ALIKE: "This pair is on the list of look-alikes. Give both a PIN or badge.",
            Doubt.DISAGREED: "Nobody can be in two places: look at who passed at the same time.",
            Doubt.UNCLEAR: it.reason.advice,
        }[doubt]
    return it.reason.advice


def _measure(it: Passage, limits: Quality) -> Number | None:
    """Of a poor picture: what was wrong with it beside what the quality gate asks for today; else None."""
    if it.reason not in _MEASURES:
        return None
    label, form, key = _MEASURES[it.reason]
    bound = f"at {'least' if key.startswith('min') else 'most'} {form.format(getattr(limits, key))}"
    value = "not recorded" if it.measured is None else form.format(it.measured)
    return Number(label, value, f"Asked for today: {bound} (settings: quality.{key}).")


_MEASURES = {
    Reason.TOO_SMALL: ("Size of the face", "{:.0f} pixels", "min_size"),
    Reason.CUT_OFF: ("Part of the face inside the picture", "{:.0%}", "min_visible"),
    Reason.BLURRED: ("Sharpness", "{:.0f}", "min_sharpness"),
    Reason.TOO_DARK: ("Brightness, 0 to 255", "{:.0f}", "min_brightness"),
    Reason.TOO_BRIGHT: ("Brightness, 0 to 255", "{:.0f}", "max_brightness"),
    Reason.LOW_CONTRAST: ("Contrast", "{:.0f}", "min_contrast"),
    Reason.TURNED_AWAY: ("Turned to the side, 0 is straight", "{:.2f}", "max_yaw"),
    Reason.LOOKING_UP_OR_DOWN: ("Up or down, 0 is level", "{:.2f}", "max_pitch"),
    Reason.TILTED: ("Tilt", "{:.0f}°", "max_roll"),
    Reason.COVERED: ("Seen around eyes, nose and mouth", "{:.0%}", "min_uncovered"),
}
