"""What a tablet says beside the texts of reasons (`service/access/reason_texts.py`): greetings, hours.

In: a name, seconds.  Out: short texts in large type.
Does not know: the tablet, the database.
"""

from __future__ import annotations

from attendance.domain.hours.day import Sense

HOLD_STILL = "Hold still a moment"


def first_name(name: str) -> str:
    """As much of a name as strangers behind somebody need to read."""
    return name.split()[0] if name.split() else "you"


def greeting(name: str, sense: Sense | None, hour: int, repeat: bool) -> str:
    """`sense` None: which way is not known; `hour`: of the day, local."""
    who = first_name(name)
    if repeat:
        return f"Already noted, {who}"
    if sense is Sense.OUT:
        return f"Goodbye, {who}"
    part = "morning" if 4 <= hour < 12 else "day" if hour < 18 else "evening"
    return f"Good {part}, {who}"


def hours(seconds: int) -> str:
    """7 h 05 min."""
    minutes = seconds // 60
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
