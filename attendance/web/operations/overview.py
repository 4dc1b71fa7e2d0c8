"""Today at a glance: who is in, what was refused and why, whether the cameras work, what to do next.

In: a request.  Out: the page, and its live part alone for the script that keeps it fresh.
Does not know: how presence is counted.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from attendance.service.calibration.auto_tighten import sentences, unknown
from attendance.service.cameras.health import health_of
from attendance.service.operations.overview import Steps, overview_today
from attendance.store.alarms import alarms
from attendance.store.calibration import operating_points
from attendance.store.cameras import cameras
from attendance.store.people import templates
from attendance.web.security import permission
from attendance.web.site import current_site

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
@permission("read_overview")
def page() -> ResponseReturnValue:
    return render_template("operations/overview.html", **_today())


@blueprint.get("/overview/now")
@permission("read_overview")
def now() -> ResponseReturnValue:
    """Answer the part of the page that changes by itself."""
    return render_template("operations/_overview.html", **_today())


def _today() -> dict[str, Any]:
    site, at = current_site(), current_site().clock.now()
    with site.sessions() as session:
        today, here = overview_today(session, site.zone, at)
        watched = [(camera, health_of(camera, at)) for camera in cameras.list_cameras(session)]
        enrolled = templates.count_enrolled(session, site.model_id)
        point = operating_points.current(session, site.model_id)
        open_alarms = alarms.count_open(session)
        not_counted = sentences(unknown(session, site.model_id, at))
        other_models = templates.templates_of_other_models(session, site.model_id)
    # Who is still on last night's shift may not have passed today: counted as in, and not in today's list.
    seen = sorted(today.present, key=lambda person: person.person_id not in here)
    denials = sorted(today.denials.items(), key=lambda item: -item[1])
    return {
        "alarms": open_alarms,
        "at": at,
        "local_now": site.local(at),
        "today": today,
        # A threshold that nobody's face was held against is not checked yet; a camera counts once it gave a picture.
        "steps": Steps(
            people=today.active_people > 0,
            faces=enrolled > 0,
            threshold=enrolled > 0 and point is not None,
            camera=any(camera.last_seen_at is not None for camera, _health in watched),
        ),
        "here": here,
        "seen": seen,
        "denials": denials,
        "most_denials": max(today.denials.values(), default=0),
        "cameras": watched,
        "enrolled": enrolled,
        "point": point,
        "other_models": other_models,
        "not_counted": not_counted,
    }
