"""The thread that keeps a door's copy of the rules new, and brings in what was decided without the database.

In: an `Edge`.  Out: one tick a second, until it is stopped.
Does not know: rules, files.
Main choice: a thread (`Ticking`), so that a database server that does not answer delays no picture.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from attendance.config import Settings
from attendance.daemon.ticking import Ticking
from attendance.service.access.edge.deciding import Edge
from attendance.service.alarms.alarms import Recipients
from attendance.service.ports import Clock, Door
from attendance.store.access.edge_files import edge_folder
from attendance.store.crypto import Keys
from attendance.store.session import Sessions

EVERY_S = 1.0


def edge_for(settings: Settings, sessions: Sessions, keys: Keys, clock: Clock, door: Door, base: Path) -> Edge:
    """Return the edge of the settings' camera and its door; its files lie in `base`."""
    camera = settings.camera.name
    return Edge(
        sessions,
        keys,
        clock,
        door,
        camera,
        edge_folder(base, camera),
        settings.site.zone,
        timedelta(seconds=settings.decision.cooldown_s),
        Recipients.of(settings.alarms, settings.mail.host),
    )


class EdgeKeeper(Ticking):
    def __init__(self, edge: Edge) -> None:
        super().__init__("copy of the rules")
        self._edge = edge

    def start(self) -> None:
        """Make the first copy before anybody is looked at."""
        self._edge.tick()
        super().start()

    def stop(self) -> None:
        super().stop()
        self._edge.close()

    def tick(self) -> float:
        self._edge.tick()
        return EVERY_S
