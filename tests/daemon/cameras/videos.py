"""Videos as cameras send them, made by the encoder."""

from __future__ import annotations

import io

import av

from tests.factories import make_image


def transport_stream(sizes: list[tuple[int, int]], pictures: int = 5, codec: str = "libx264") -> bytes:
    """A stream as a camera sends it whose settings are changed while it runs: a red corner on grey."""
    sent = b""
    for width, height in sizes:
        part = io.BytesIO()
        with av.open(part, "w", format="mpegts") as container:
            stream = container.add_stream(
                codec, rate=25, options={"tune": "zerolatency", "x265-params": "log-level=none"}
            )
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for _ in range(pictures):
                picture = make_image((128, 128, 128), width, height)
                picture[: height // 2, : width // 2] = (0, 0, 255)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
            container.mux(stream.encode())
        sent += part.getvalue()
    return sent
