"""Kinds of cameras: what a source's text means, and who reads it.

In: the `[camera] source` text.  Out: a `Source` that says what it is; a `Feed` of BGR pictures.
Does not know: threads, time, people, how pictures are read (`daemon/cameras`).
"""

from __future__ import annotations

from pathlib import Path

from attendance.daemon.cameras.feed import Feed, Kind, Source, SourceLost
from attendance.daemon.cameras.folder import PICTURES, FolderFeed, pictures_in
from attendance.daemon.cameras.http_pictures import open_http
from attendance.daemon.cameras.http_video import HttpVideo
from attendance.daemon.cameras.video import VideoFeed
from attendance.daemon.cameras.webcam import WebcamFeed
from attendance.errors import UserError, without_secrets
from attendance.service.cameras.addresses import SCHEMES, is_webcam

WAYS = "a webcam number, rtsp://…, http://…, a video file or a folder of pictures"


def parse_source(text: str) -> Source:
    """Return the source that `text` names; UserError if it names none, or a file or folder that is not there."""
    text = text.strip()
    if is_webcam(text):
        return Source(Kind.WEBCAM, str(int(text)), f"webcam {int(text)}")
    if "://" in text:
        scheme = text.partition("://")[0].lower()
        if scheme not in SCHEMES or not text.partition("://")[2].strip("/"):
            raise UserError(f"[camera] source {without_secrets(text)} cannot be watched: give {WAYS}")
        return Source(Kind.STREAM, text, without_secrets(text))
    path = Path(text)
    if text and path.is_char_device():
        return Source(Kind.WEBCAM, text, text)
    if text and path.is_dir():
        if not any(pictures_in(path)):
            raise UserError(f"the folder {path} holds no pictures ({', '.join(PICTURES)})")
        return Source(Kind.FOLDER, text, text)
    if text and path.is_file():
        return Source(Kind.FILE, text, text)
    raise UserError(f"[camera] source: there is no file or folder {text or '(empty)'}: give {WAYS}")


def open_feed(source: Source, open_timeout_s: float, read_timeout_s: float) -> Feed:
    """Connect.  SourceLost if that fails; the time-outs are wishes that not every backend grants."""
    match source.kind:
        case Kind.FOLDER:
            return FolderFeed(Path(source.target))
        case Kind.WEBCAM:
            return WebcamFeed(source)
        case Kind.STREAM if source.target.lower().startswith("http"):
            found = open_http(source, open_timeout_s, read_timeout_s)
            if isinstance(found, HttpVideo):
                try:
                    return VideoFeed(source, open_timeout_s, read_timeout_s, found)
                except SourceLost:
                    if found.hung:
                        raise
                # A form that can only be read with jumps: the video reader asks again, and may ask for parts.
            elif found is not None:
                return found
    return VideoFeed(source, open_timeout_s, read_timeout_s)
