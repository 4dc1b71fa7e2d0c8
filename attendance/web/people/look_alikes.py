"""The standing list of people who look alike: whom a door may confuse, and what is done about it.

In: nothing.  Out: a page.
Does not know: how the list is made (service/look_alikes.py).
Main choice: a list to read, without buttons: pairs leave it by better photos or another threshold,
and confirming that two people are two is asked where a photo raises the question.
"""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from attendance.domain.access.operating_point import look_alike_margin
from attendance.service.people.look_alikes import least_score
from attendance.store.calibration import operating_points
from attendance.store.people.look_alikes import NamedPair, named_pairs
from attendance.texts import N_
from attendance.web.listing import Column, listing_of
from attendance.web.security import permission
from attendance.web.site import current_site

blueprint = Blueprint("look_alikes", __name__, url_prefix="/look-alikes")

# The most alike; nobody reads more, and a site with more needs another threshold.
MOST = 5000
COLUMNS = (
    Column[NamedPair]("person", N_("Person"), lambda pair: pair.name),
    Column[NamedPair]("other", N_("Looks like"), lambda pair: pair.other_name),
    Column[NamedPair]("score", N_("Score"), lambda pair: pair.score, numeric=True),
    Column[NamedPair]("confirmed", N_("Two people"), lambda pair: pair.confirmed_at),
)


@blueprint.get("")
@permission("read_person")
def index() -> ResponseReturnValue:
    site = current_site()
    with site.sessions() as session:
        pairs = named_pairs(session, site.model_id, limit=MOST)
        point = operating_points.current(session, site.model_id)
    return render_template(
        "people/look_alikes.html",
        listing=listing_of(pairs, COLUMNS, lambda pair: (pair.name, pair.other_name), sort="-score"),
        point=point,
        least=None if point is None else least_score(point),
        margin=None if point is None else look_alike_margin(point.margin),
    )
