"""GStreamer's RTSP server on 127.0.0.1: a ball, fifteen pictures a second of 320 × 240.

Run by the system's own Python, which has its bindings: codec (h264, h265) and the share of packets that are lost.
It prints its port, then a line for each packet that it lost.
"""

from __future__ import annotations

import random
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ENCODERS = {"h264": "x264enc", "h265": "x265enc"}
CODEC, LOSS = sys.argv[1], float(sys.argv[2])
PICTURES = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1"


def lose_packets(_factory: object, media: object) -> None:
    chance = random.Random(0)

    def probe(_pad: object, _info: object) -> object:
        if chance.random() >= LOSS:
            return Gst.PadProbeReturn.OK
        sys.stdout.write("lost\n")
        sys.stdout.flush()
        return Gst.PadProbeReturn.DROP

    kinds = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST
    media.get_element().get_by_name("pay0").get_static_pad("src").add_probe(kinds, probe)


Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
encoder = f"{ENCODERS[CODEC]} tune=zerolatency key-int-max=10 bitrate=2000"
factory.set_launch(f"( {PICTURES} ! {encoder} ! rtp{CODEC}pay config-interval=1 mtu=300 pt=96 name=pay0 )")
if LOSS:
    factory.connect("media-configure", lose_packets)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
sys.stdout.write(f"{server.get_bound_port()}\n")
sys.stdout.flush()
GLib.MainLoop().run()
