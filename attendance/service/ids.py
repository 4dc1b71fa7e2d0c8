"""Ids of events.

In: the time of an event.  Out: UUIDv7 text (RFC 9562), 36 characters, which sorts by that time.
Does not know: what the event is.
Main choice: made where the event happens, without asking a database, so that an event that is
recorded later keeps its identity; to the microsecond, events of one program sort in their order.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_event_id(at: datetime) -> str:
    """Return 48 bits of milliseconds, 12 bits of the rest of the millisecond, 62 random bits; `at` is aware."""
    microseconds = (at - _EPOCH) // timedelta(microseconds=1)
    milliseconds, rest = divmod(microseconds, 1000)
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76
    value |= (rest * 4096 // 1000) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return str(uuid.UUID(int=value))


def made_at(event_id: str) -> datetime:
    """Return the time in an id, to the millisecond, aware UTC; ValueError if it is not a UUIDv7 of a real time.

    Only as `new_event_id` writes it: braces or capitals would be a second key for the same event.
    """
    value = uuid.UUID(event_id)
    if value.version != 7 or str(value) != event_id:
        raise ValueError(f"not a UUIDv7: {event_id}")
    try:
        return _EPOCH + timedelta(milliseconds=value.int >> 80)
    except OverflowError as error:
        raise ValueError(f"a time too far away: {event_id}") from error
