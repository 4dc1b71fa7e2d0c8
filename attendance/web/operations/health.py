"""Whether the site works, for a watchdog.

In: nothing.  Out: 200 with {"status": "ok"}, or 503; no numbers, because anybody may ask.
Does not know: the cameras, whose state is on the overview.
"""

from __future__ import annotations

import logging

from flask import Blueprint
from flask.typing import ResponseReturnValue

from attendance.store.settings import gallery_version
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def check() -> ResponseReturnValue:
    try:
        with current_site().sessions() as session:
            gallery_version(session)
    except Exception as error:  # whatever keeps the database from answering
        log.error("the health check failed: %s", error)
        return {"status": "fault", "database": "unreachable"}, 503
    return {"status": "ok", "database": "ok"}
