"""The rules of a site's hours, as its programs share them: the history of its time zone, double punches.

In: a session, the settings' values.  Out: a zone with its history; the `Policy`.
Does not know: config.toml (bootstrap.py hands over what it says at each start).
Main choice: what the settings say is written down at each start, because they hold one zone and the days before a
move need the other.  A zone that held for one day only was a slip of the pen and leaves no trace.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Policy
from attendance.domain.hours.zones import site_zone
from attendance.errors import UserError
from attendance.store import settings as shared

ZONES = "hours_zones"
DOUBLE_PUNCH = "hours_double_punch_s"


def zone_history(session: Session) -> list[tuple[date, str]]:
    """Return the first day of each zone of the site, and the zone, the oldest first; nothing before the first start."""
    return [(date.fromisoformat(day), key) for day, key in shared.get(session, ZONES, [])]


def put_zone_history(session: Session, history: list[tuple[date, str]], at: datetime) -> None:
    """Write the history; neighbours of the same zone become one.  UserError for a zone that is not known."""
    for _day, key in history:
        try:
            ZoneInfo(key)
        except (KeyError, OSError, ValueError) as error:
            raise UserError('%(key)s is not a valid time zone: write it as "Europe/Berlin"', key=key) from error
    kept: list[tuple[date, str]] = []
    for day, key in sorted(history):
        if not kept or kept[-1][1] != key:
            kept.append((day, key))
    shared.put(session, ZONES, [[day.isoformat(), key] for day, key in kept], at)


def noted_zone(session: Session, zone: ZoneInfo, now: datetime) -> list[tuple[date, str]]:
    """Return the history as it must be while the settings name `zone`, from today on if that is new."""
    history = zone_history(session)
    if not history:
        return [(date.min, zone.key)]
    if history[-1][1] == zone.key:
        return history
    today = now.astimezone(zone).date()
    kept = [entry for entry in history if entry[0] < today]
    if kept and kept[-1][1] == zone.key:
        return kept
    return [*kept, (today, zone.key)] if kept else [(date.min, zone.key)]


def zone_of(session: Session, zone: ZoneInfo) -> ZoneInfo:
    """Return the zone of the settings with the history of the site.

    Without one, or if the settings name another zone than the programs have noted, the zone as it is.
    """
    history = zone_history(session)
    if len(history) < 2 or history[-1][1] != zone.key:
        return zone
    return site_zone([(day, ZoneInfo(key)) for day, key in history])


def double_punch_s(session: Session) -> int | None:
    """Return within how many seconds two check-ins count as one; None before the first start."""
    seconds = shared.get(session, DOUBLE_PUNCH)
    return None if seconds is None else int(seconds)


def put_double_punch_s(session: Session, seconds: int, at: datetime) -> None:
    shared.put(session, DOUBLE_PUNCH, seconds, at)


def policy(session: Session) -> Policy:
    """Return the rules that hold for every shift."""
    seconds = double_punch_s(session)
    return Policy() if seconds is None else Policy(debounce=timedelta(seconds=seconds))
