"""What a device's HTTP reply means for a door: it did it, it refused, or nobody can say.

In: a reply.  Out: its JSON; DoorFault for a refusal, DoorUnknown for what cannot be understood.
Does not know: any device.
Main choice: a status 4xx is a refusal, since the device did not accept the request; a redirect, 5xx or garbled reply
leaves it open whether the door moved.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from attendance.daemon.doors.network.http_call import HttpDevice, Reply
from attendance.service.ports import DoorFault, DoorUnknown


def require_status(device: HttpDevice, reply: Reply, expected: int = HTTPStatus.OK) -> None:
    """Return if the reply has this status; else raise what its status means."""
    if reply.status == expected:
        return
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise DoorFault(f"{device.shown} refuses the user name or password ({reply.status})")
    if 400 <= reply.status < 500:
        raise DoorFault(f"{device.shown} refuses the request ({reply.status}){_said(reply)}")
    if 300 <= reply.status < 400:
        raise DoorUnknown(f"{device.shown} answers with a redirect ({reply.status}), which is not followed")
    raise DoorUnknown(f"{device.shown} answers with status {reply.status}{_said(reply)}")


def json_of(device: HttpDevice, reply: Reply) -> dict[str, Any]:
    """Return the JSON object of a reply; DoorUnknown for anything else."""
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DoorUnknown(f"{device.shown} answers with something that is not understood{_said(reply)}")
    return found


def at_path(value: Any, path: str) -> Any:
    """Return what is at "a.b.0" in JSON; None if nothing is there."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def as_text(value: Any) -> str:
    """Return a JSON value as the settings write it: true, 1, text."""
    return value if isinstance(value, str) else json.dumps(value)


def _said(reply: Reply) -> str:
    """Return the beginning of what the device said, if that is text."""
    text = " ".join(reply.body[:200].decode("utf-8", "replace").split())[:80]
    return f": {text}" if text and text.isprintable() else ""
