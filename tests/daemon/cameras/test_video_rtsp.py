"""RTSP by a server that is not ours (GStreamer's): H.264 and H.265, over TCP and UDP, with packets that are lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from attendance.daemon.cameras.video import VideoFeed
from attendance.daemon.sources import parse_source
from tests import needs

PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad,ugly}"
SERVER = Path(__file__).with_name("gstreamer_server.py")
PICTURES = 45  # three seconds: nine key frames


@contextmanager
def rtsp(codec: str, loss: float) -> Iterator[tuple[str, list[str]]]:
    """Yield the address; the list holds a line for each lost packet once the block is over."""
    python = needs.program("/usr/bin/python3", install="apt-get install python3")
    lines: list[str] = []
    command = [str(python), str(SERVER), codec, str(loss)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        if not port:
            needs.missing(f"GStreamer's RTSP server does not start: apt-get install {PACKAGES}")
        yield f"rtsp://127.0.0.1:{port}/live", lines
    finally:
        server.kill()
        lines += server.communicate()[0].split()


@pytest.mark.long
@pytest.mark.parametrize("loss", [0.0, 0.03])
@pytest.mark.parametrize("transport", ["", "?udp"], ids=["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_camera_by_rtsp_is_read_also_while_packets_are_lost(codec: str, transport: str, loss: float) -> None:
    with rtsp(codec, loss) as (address, lost):
        feed = VideoFeed(parse_source(address + transport), 30, 30)
        pictures = [feed.read() for _ in range(PICTURES)]
        feed.close()
    good = [picture for picture in pictures if picture is not None]

    assert bool(lost) == bool(loss)
    assert len(good) == PICTURES if not loss else len(good) >= PICTURES // 3
    assert all(picture.shape == (240, 320, 3) for picture in good)
    assert max(int(picture.max()) for picture in good) > 200  # the ball is white
