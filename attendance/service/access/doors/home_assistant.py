"""A door in the words of Home Assistant's MQTT discovery: what is announced, its state, events, commands.

In: a door's name, its live state, happenings, outcomes.  Out: topics and JSON values; a command, or why it is refused.
Does not know: brokers, connections, who unlocks.
Main choice: one device with a few entities, announced by MQTT discovery, so that nothing has to be installed there.
Nothing here knows of duress: such a grant looks like any other.

Source: homeassistant 2026.11, components/mqtt (discovery, schemas, lock, event).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from attendance.domain.access.door_state import Contact, DoorAlarm, DoorState, Happened, Happening

LONGEST_EXPIRY_S = 10
ONLINE, OFFLINE = "online", "offline"
# What may happen, as the event entity lists it.  Never more than this is published.
EVENTS = ("granted", "denied", "not_taken", "exit", "forced", "held", "tamper", "fire")
_ALARM_EVENTS = {
    DoorAlarm.FORCED: "forced",
    DoorAlarm.HELD: "held",
    DoorAlarm.TAMPER: "tamper",
    DoorAlarm.FIRE: "fire",
}
_MOMENTS = {Happened.NOT_TAKEN: "not_taken", Happened.EXIT: "exit"}


def id_of(door: str) -> str:
    """Return the door's name as a part of topics: one for each name, whatever characters it has."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", door).strip("_").lower()[:30]
    return f"{word or 'door'}_{hashlib.sha256(door.encode()).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True)
class Topics:
    """Where a door is found.  `home`: where Home Assistant says that it started."""

    config: str
    status: str
    state: str
    event: str
    command: str
    home: str

    @classmethod
    def of(cls, door: str, prefix: str, discovery: str) -> Topics:
        own, base = id_of(door), f"{prefix}/{id_of(door)}"
        return cls(
            f"{discovery}/device/attendance_{own}/config",
            f"{base}/status",
            f"{base}/state",
            f"{base}/event",
            f"{base}/set",
            f"{discovery}/status",
        )


def announcement(door: str, topics: Topics, version: str, contact: bool, commands: bool) -> dict[str, Any]:
    """Return the retained message that makes the device; an entity that is not there now is removed by it."""
    own = f"attendance_{id_of(door)}"

    def entity(platform: str, name: str, key: str, **more: Any) -> dict[str, Any]:
        return {"p": platform, "name": name, "uniq_id": f"{own}_{key}", **more}

    def sensor(name: str, key: str, kind: str) -> dict[str, Any]:
        template = f"{{{{ value_json.{key} }}}}"
        return entity("binary_sensor", name, key, dev_cla=kind, stat_t=topics.state, val_tpl=template)

    parts: dict[str, Any] = {
        "event": entity("event", "Door", "event", stat_t=topics.event, evt_typ=list(EVENTS)),
        "problem": sensor("Problem", "problem", "problem"),
        "contact": sensor("Contact", "contact", "door") if contact else {"p": "binary_sensor"},
        "unlocked": {"p": "binary_sensor"} if commands else sensor("Lock", "unlocked", "lock"),
        "lock": {"p": "lock"},
    }
    if commands:
        # With an expiry, so that a command that waits for a lost connection opens nothing later.
        asked = {"cmd_t": topics.command, "ret": False, "msg_exp_int": LONGEST_EXPIRY_S, "opt": False}
        parts["lock"] = entity("lock", "Lock", "lock", stat_t=topics.state, val_tpl="{{ value_json.lock }}", **asked)
    return {
        "dev": {"ids": [own], "name": door, "mf": "attendance", "sw": version},
        "o": {"name": "attendance", "sw": version},
        "avty_t": topics.status,
        "qos": 1,
        "cmps": parts,
    }


def state_of(state: DoorState, unlocked: bool) -> dict[str, str]:
    """Return the retained state.  `unlocked`: the lock is released now."""

    def on(value: bool) -> str:
        return "ON" if value else "OFF"

    return {
        "lock": "UNLOCKED" if unlocked else "LOCKED",
        "unlocked": on(unlocked),
        "contact": on(state.contact is Contact.OPEN),
        "problem": on(bool(state.alarms) or state.contact is Contact.FAULT),
        "alarms": ",".join(sorted(state.alarms)),
    }


def event_of(happening: Happening) -> Mapping[str, str] | None:
    """Return the event that a happening is; None for what has no event there."""
    if happening.what is Happened.RAISED and happening.alarm is not None:
        kind = _ALARM_EVENTS.get(happening.alarm)
    else:
        kind = _MOMENTS.get(happening.what)
    return None if kind is None else {"event_type": kind}


def decided(granted: bool, person: str | None, method: str, names: bool) -> Mapping[str, str]:
    """Return the event of a decision: never why somebody was refused, and a name only where names are switched on."""
    if not granted:
        return {"event_type": "denied"}
    event = {"event_type": "granted", "method": method}
    return {**event, "person": person} if names and person else event


def command_of(payload: bytes, retained: bool, expiry_s: int | None) -> Literal["unlock", "lock"] | str:
    """Return "unlock" or "lock", or the words of a refusal, which begin with "refused".

    `expiry_s`: the seconds that the message may still wait, by MQTT 5; None if it has none.
    """
    if retained:
        return "refused: the message was retained, and would open the door at each start"
    if expiry_s is None:
        return f"refused: the message has no expiry; at most {LONGEST_EXPIRY_S} s are asked for"
    if not 0 < expiry_s <= LONGEST_EXPIRY_S:
        return f"refused: the message expires after {expiry_s} s; at most {LONGEST_EXPIRY_S} s are asked for"
    command = {b"UNLOCK": "unlock", b"OPEN": "unlock", b"LOCK": "lock"}.get(payload)
    return command or "refused: the command is not known"
