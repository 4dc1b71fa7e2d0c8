"""A camera with a daemon before it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from attendance.domain.passage import Direction
from attendance.store.cameras import cameras
from attendance.store.tables.cameras import Camera
from tests.site_fixtures import Web


@pytest.fixture
def door(web: Web) -> int:
    """A camera that a daemon watches, with pictures coming."""
    with web.sessions.begin() as session:
        now = web.clock.now()
        cameras.claim(
            session, "door", source="rtsp://me:pw@host/1", direction=Direction.IN, owner="process 1 on kiosk", at=now
        )
        cameras.heartbeat(session, "door", owner="process 1 on kiosk", at=now, seen_at=now)
        camera = cameras.get_camera(session, "door")
        assert camera is not None
        return camera.id


def stored(web: Web) -> Camera:
    with web.sessions() as session:
        camera = cameras.get_camera(session, "door")
        assert camera is not None
        return camera


def take_picture(web: Web) -> bytes:
    jpeg = cv2.imencode(".jpg", np.full((180, 320, 3), 90, np.uint8))[1].tobytes()
    with web.sessions.begin() as session:
        cameras.store_snapshot(session, "door", jpeg, at=web.clock.now())
    return jpeg
