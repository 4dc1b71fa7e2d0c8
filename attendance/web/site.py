"""What every view needs: the wired objects of one site.

In: an application made by `create_app`.  Out: its `Site`.
Does not know: pages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, current_app, g, request, url_for

from attendance.config import Settings
from attendance.domain.faces import Frame, Probe
from attendance.service.access.liveness.gate import Gates, no_gate
from attendance.service.enrolment.growing import growing_for
from attendance.service.operations.doctor import Check, Patient, examine
from attendance.service.operations.readiness import Readiness
from attendance.service.ports import Analyser, Clock
from attendance.service.privacy.erasure import ledger_for
from attendance.store.crypto import Keys
from attendance.store.hours.site_rules import zone_of
from attendance.store.operators.department_scope import narrowed
from attendance.store.session import Sessions, engine_of

EXTENSION = "attendance"


@dataclass
class OneAtATime:
    """An analyser for several threads: one photo after the other, so that uploads leave the daemon a core."""

    inner: Analyser
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def model_id(self) -> str:
        return self.inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        return self.inner.timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        with self._turn:
            return self.inner.analyse(frame, max_faces)


class Site:
    """The objects that `create_app` was given."""

    def __init__(self, settings: Settings, sessions: Sessions, keys: Keys, analyser: Analyser, clock: Clock) -> None:
        self.settings, self.sessions, self.keys, self.clock = settings, sessions, keys, clock
        self.analyser: Analyser = OneAtATime(analyser)
        with sessions() as session:
            self.zone = zone_of(session, settings.site.zone)  # with its history
        self.ledger = ledger_for(settings, engine_of(sessions), keys)
        self.growing = growing_for(settings, sessions, keys, clock, self.zone, "kiosk")
        self.readiness = Readiness(sessions, keys, clock)
        # The checks of the page System; the composition root adds those that this layer cannot make.
        self.doctor: Callable[[], list[Check]] = self._examine
        self.gates: Gates = no_gate  # of tablets; the composition root adds the network

    def _examine(self) -> list[Check]:
        return examine(
            Patient(self.settings, engine_of(self.sessions), self.sessions, self.keys, self.clock, deep=False)
        )

    def of_departments(self, departments: Collection[str]) -> Site:
        """Return the same site, limited to the people of these departments."""
        site = copy(self)
        site.sessions = narrowed(self.sessions, departments)
        return site

    @property
    def model_id(self) -> str:
        return self.analyser.model_id

    def local(self, at: datetime) -> datetime:
        """Return an aware time in the site's zone."""
        return at.astimezone(self.zone)


def public_address(endpoint: str) -> str:
    """Return the whole address of a page, for a link or QR code: by `web.public_url`, else as the browser asked."""
    public = current_site().settings.web.public_url
    return f"{public}{url_for(endpoint)}" if public else url_for(endpoint, _external=True)


def works_here_only() -> bool:
    """Return whether an address made for this request works on this computer only."""
    if current_site().settings.web.public_url:
        return False
    return request.host.rsplit(":", 1)[0] in ("127.0.0.1", "localhost", "[::1]")


def site_of(app: Flask) -> Site:
    """Return the objects that the application was made with."""
    site = app.extensions[EXTENSION]
    assert isinstance(site, Site)
    return site


def current_site() -> Site:
    """Return the site of this request; a supervisor's holds their departments only (`g.departments`, by security.py).

    What is written after the request has ended, such as a long file, keeps the site that it was begun with.
    """
    site = site_of(current_app)
    if (departments := g.get("departments")) is not None:
        return site.of_departments(departments)
    return site
