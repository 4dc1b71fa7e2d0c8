"""Whether the site lives, and whether it can do its work, for a service manager or a monitor.

In: nothing.  Out: /livez 200 as long as requests are answered; /readyz 200, or 503 with a word that says why.
Does not know: what is tested (`service/operations/readiness.py`); the cameras, whose state is on the overview.
Nothing of paths or versions: anybody may ask.  /healthz is the former name of /readyz.
"""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from waitress.task import ThreadedTaskDispatcher

from attendance.web.site import current_site

blueprint = Blueprint("health", __name__)
PATHS = ("/livez", "/readyz", "/healthz")


@blueprint.get("/livez")
def alive() -> ResponseReturnValue:
    """Answer that this program serves."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@blueprint.get("/healthz", endpoint="check")
def ready() -> ResponseReturnValue:
    """Answer whether the site's newest test of itself passed."""
    troubles = current_site().readiness.troubles
    if troubles:
        return {"status": "fault", "database": "unreachable", "why": [trouble.key for trouble in troubles]}, 503
    return {"status": "ok", "database": "ok"}


class ProbesFirst(ThreadedTaskDispatcher):
    """Waitress's threads, and one more that answers probes only, however busy the others are with pages."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.set_thread_count(threads)
        self._probes = ThreadedTaskDispatcher()
        self._probes.set_thread_count(1)

    def add_task(self, task: object) -> None:
        """Queue a connection whose request has come in whole."""
        requests = getattr(task, "requests", ())
        if requests and getattr(requests[0], "path", "") in PATHS:
            self._probes.add_task(task)
        else:
            super().add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        """End the threads of both."""
        self._probes.shutdown(cancel_pending, timeout)
        return bool(super().shutdown(cancel_pending, timeout))
