"""An RTSP camera, by a real server that speaks the protocol."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from attendance.daemon.camera import LiveCamera, open_camera
from attendance.daemon.worker import Worker
from attendance.domain.reason import Reason
from tests.daemon.conftest import PATIENCE_S, camera_settings, wait_for
from tests.daemon.daemon_process import WallClock
from tests.daemon.rtsp import HEIGHT, WIDTH, RtspServer, rtsp_server
from tests.factories import ANNA, STRANGER
from tests.service.conftest import Site, site, staffed

__all__ = ["site", "staffed"]

Watch = Callable[..., LiveCamera]


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with rtsp_server() as server:
        yield server


def test_an_rtsp_stream_gives_its_newest_picture(watch: Watch, server: RtspServer) -> None:
    camera = watch(server.url)
    first = camera.read(PATIENCE_S)
    server.colour = (200, 40, 40)
    seen = [first]

    def changed() -> bool:
        """The pictures that were on their way come first; a busy computer has many of them."""
        seen.append(camera.read(0.2) or seen[-1])
        return seen[-1] is not None and seen[-1].image[60, 80].argmax() == 0

    wait_for(changed)
    second = seen[-1]

    assert server.asked[-1] == "PLAY"
    assert first is not None
    assert second is not None
    assert first.image.shape == (HEIGHT, WIDTH, 3)
    assert first.image[60, 80] == pytest.approx((40, 200, 40), abs=12)
    assert second.image[60, 80] == pytest.approx((200, 40, 40), abs=12)


def test_a_stream_that_hangs_is_lost_and_found_again(
    watch: Watch, server: RtspServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    camera = watch(server.url)
    assert camera.read(PATIENCE_S) is not None
    server.hang.set()
    wait_for(lambda: camera.read(0.1) is None and camera.health.trouble)
    server.hang.clear()
    wait_for(lambda: camera.read(0.1))

    assert camera.health.trouble == ""
    assert any("pictures again" in line for line in caplog.messages)


def test_a_camera_that_restarts_is_found_again(watch: Watch) -> None:
    with rtsp_server() as server:
        port = server.port
        camera = watch(server.url)
        assert camera.read(PATIENCE_S) is not None
    wait_for(lambda: camera.read(0.1) is None and camera.health.trouble)
    with rtsp_server(port):
        wait_for(lambda: camera.read(0.1))


def test_the_password_of_an_address_is_used_and_never_said(
    watch: Watch, server: RtspServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.password = "me:secret"
    camera = watch(server.url.replace("//", "//me:secret@"))
    assert camera.read(PATIENCE_S) is not None
    refused = watch(server.url.replace("//", "//me:wrong@"))
    wait_for(lambda: refused.read(0.1) is None and refused.health.trouble)

    assert refused.health.trouble.startswith("the camera refuses the user name or password (401)")
    assert "secret" not in caplog.text
    assert "wrong" not in caplog.text


def test_people_before_an_rtsp_camera_are_decided(staffed: Site, server: RtspServer) -> None:
    server.colour = STRANGER
    settings = camera_settings(server.url, direction="in")
    clock = WallClock()
    worker = Worker(open_camera(settings, clock), staffed.check_in(), staffed.sessions, clock, settings)
    stop = threading.Event()
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    try:
        wait_for(lambda: len(staffed.log()) == 1)
        server.colour = ANNA  # a refusal may turn into a grant
        wait_for(lambda: len(staffed.log()) == 2)
    finally:
        stop.set()
        running.join(PATIENCE_S)

    assert [(view.passage.reason, view.person_name) for view in reversed(staffed.log())] == [
        (Reason.UNKNOWN, None),
        (Reason.MATCHED, "Anna"),
    ]
