"""The standing list of people who look alike: whom a door may confuse, and what is done about it.

In: nothing.  Out: a page.
Does not know: how the list is made (service/look_alikes.py).
Main choice: a list to read, without buttons: pairs leave it by better photos or another threshold,
and confirming that two people are two is asked where a photo raises the question.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from attendance.domain.access.operating_point import look_alike_margin
from attendance.service.people.look_alikes import least_score
from attendance.store.calibration import operating_points
from attendance.store.people.look_alikes import count_listed, named_pairs
from attendance.web.security import permission
from attendance.web.site import current_site

blueprint = Blueprint("look_alikes", __name__, url_prefix="/look-alikes")

PAGE = 50


@blueprint.get("")
@permission("read_person")
def index() -> ResponseReturnValue:
    site = current_site()
    with site.sessions() as session:
        pages = max(1, -(-count_listed(session, site.model_id) // PAGE))
        number = min(max(1, request.args.get("page", 1, type=int)), pages)
        pairs = named_pairs(session, site.model_id, limit=PAGE, offset=(number - 1) * PAGE)
        point = operating_points.current(session, site.model_id)
    return render_template(
        "people/look_alikes.html",
        pairs=pairs,
        point=point,
        least=None if point is None else least_score(point),
        margin=None if point is None else look_alike_margin(point.margin),
        number=number,
        pages=pages,
    )
