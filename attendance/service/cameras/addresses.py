"""Addresses of cameras: which kinds there are, which only one computer can reach, and how a file is named whole.

In: an address as it is typed.  Out: the same with a file's whole path; what is wrong with it.
Does not know: how a camera is read, whether it answers.
"""

from __future__ import annotations

import socket
from pathlib import Path

from attendance.errors import Phrase, without_secrets

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "udp", "tcp")
LONGEST = 2000


def this_computer() -> str:
    """Return the name under which cameras are kept that only this computer can reach."""
    return socket.gethostname()


def whole(source: str) -> str:
    """Return where a camera's pictures come from: a file or folder by its whole path, an address as it is."""
    if not is_local(source):
        return source
    try:
        return str(Path(source).absolute()) if source and Path(source).exists() else source
    except OSError:  # such as a text that is too long for the name of a file
        return source


def is_webcam(source: str) -> bool:
    """Return whether this is the number of a webcam."""
    return source.isascii() and source.isdigit()


def is_local(source: str) -> bool:
    """Return whether only the computer that has it can reach it: a webcam, a file, a folder."""
    return "://" not in source


def trouble_of(source: str) -> Phrase | None:
    """Return why this cannot be any camera's address, None if it can; a file may still be missing.

    A file or folder needs its whole path: a daemon may run in another folder, or on another computer.
    """
    if not source:
        return Phrase("enter the camera's address")
    if len(source) > LONGEST:
        return Phrase("use %(most)s characters or fewer", most=LONGEST)
    if not source.isprintable():
        return Phrase("an address is one line without control characters")
    if is_local(source):
        if is_webcam(source) or Path(source).is_absolute():
            return None
        return Phrase(
            "%(source)s is not an address such as rtsp://… or http://…, a webcam's number, or the whole path of a file"
            " or folder",
            source=source[:100],
        )
    scheme, _, rest = source.partition("://")
    if scheme.lower() not in SCHEMES:
        known = ", ".join(f"{one}://" for one in SCHEMES)
        return Phrase("an address begins with one of %(known)s", known=known)
    host = rest.partition("/")[0].rpartition("@")[2]
    if not host:
        return Phrase("%(source)s names no camera: enter its host name or IP address", source=without_secrets(source))
    return None
