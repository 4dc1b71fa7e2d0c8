"""The parts of a liveness drill: a camera, the analyser, the door's own gate.

In: an installation; which video, or the settings' camera.  Out: what the gate found in one trial.
Does not know: who stands there, what is asked of the operator, what becomes of the result.
Main choice: the drill holds the camera's lock like a daemon, so that no door moves while attacks are shown.
Trade-off: nobody is let in there by face meanwhile.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from attendance.bootstrap import Installation, analyser_for
from attendance.daemon import lock
from attendance.daemon.camera import open_camera
from attendance.domain.access.liveness.fusion import Judgement, LivenessPoint, point_of
from attendance.errors import UserError
from attendance.programs.daemons import at_named_camera
from attendance.service.access.liveness.drilling import Watch, watch
from attendance.service.access.liveness.gate import LivenessGate
from attendance.service.access.rules import drill_rules_for
from attendance.service.ports import Analyser, LivenessLook
from attendance.store.access import liveness
from attendance.store.cameras import cameras
from attendance.store.session import database_file
from attendance.vision.serving import liveness_for
from attendance.vision.weights import load_card


@dataclass(frozen=True, slots=True)
class Drill:
    """One camera's drill.  `point`: in force during it · `sha256`: of the networks' files."""

    site: Installation
    analyser: Analyser
    network: LivenessLook
    point: LivenessPoint
    seconds: float
    sha256: Mapping[str, str]

    @property
    def model_id(self) -> str:
        """Name the liveness network."""
        return self.network.model_id

    def watch(self, source: str | None = None) -> Judgement | None:
        """Watch one trial at the settings' camera or in the video `source`; None if no face settled."""
        settings = self.site.settings
        camera = settings.camera
        if source is not None:
            camera = camera.model_copy(update={"source": source})
        # A file gives every picture, however long that takes; a camera gives its newest.
        opened = open_camera(camera, self.site.clock, paced=source is None)
        gate = LivenessGate(self.network, self.point, drill_rules_for(settings))
        rules = Watch(self.seconds, settings.decision.frames_needed)
        try:
            return watch(opened, self.analyser, gate, rules, lambda: opened.ended)
        finally:
            opened.close()


def site_at(site: Installation, name: str) -> Installation:
    """Return the installation as this camera of the site sees it; the settings' camera while the site has none.

    UserError for another name: what is found there would be in force nowhere.
    """
    with site.sessions() as session:
        known = [one.name for one in cameras.list_cameras(session)] or [site.settings.camera.name]
    if name not in known:
        raise UserError(f"there is no camera named {name}: name one of {', '.join(known)} by --camera")
    return at_named_camera(site, name)


def drill_for(site: Installation, seconds: float, stack: ExitStack, live: bool) -> Drill:
    """Return the drill of the settings' camera; `live`: its lock is held until `stack` ends.

    UserError if the daemon holds the camera, and without a liveness network that has an operating point.
    """
    settings = site.settings
    network = liveness_for(settings)
    if network is None:
        raise UserError("models.liveness names no network: set the model_id of one, such as liveness-effb0-v1")
    with site.sessions() as session:
        point = liveness.point_at(session, settings.camera.name, network.model_id)
    point = point or point_of(network.operating_points)
    if point is None:
        raise UserError(f"the card of {network.model_id} has no operating point: run evaluate liveness --card first")
    database = database_file(site.engine)
    if live and database is not None:
        owner = f"the liveness drill, process {os.getpid()} on {socket.gethostname()}"
        path = lock.lock_file(database, settings.camera.name)
        stack.enter_context(lock.held(path, owner, f"the camera {settings.camera.name}"))
    folder = settings.models.weights
    sha256 = dict(network.card.sha256) | dict(load_card(folder, settings.models.detector).sha256)
    return Drill(site, analyser_for(settings), network, point, seconds, sha256)
