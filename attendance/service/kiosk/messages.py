"""What a tablet says beside the texts of reasons (`service/access/reason_texts.py`): greetings, hours.

In: a name, a direction, seconds.  Out: short texts in large type, translated.
Does not know: the tablet, the database.
"""

from __future__ import annotations

from attendance.domain.hours.day import Sense
from attendance.texts import gettext as _


def hold_still() -> str:
    """Return the hint while nothing is wrong with the picture and more frames must agree."""
    return _("Hold still a moment")


def badges_rest() -> tuple[str, str]:
    """Return what is shown while a tablet reads no badges because several unknown ones were held before it."""
    return _("Too many unknown badges"), _("Wait some minutes, or use your staff number and PIN.")


def first_name(name: str) -> str:
    """Return as much of a name as strangers behind the person need to read."""
    return name.split()[0] if name.split() else _("you")


def greeting(name: str, sense: Sense | None, hour: int, repeat: bool) -> str:
    """Return a headline.  `sense` None: the direction is not known.  `hour`: of the day, local."""
    who = first_name(name)
    if repeat:
        return _("Already checked in, %(name)s", name=who)
    if sense is Sense.OUT:
        return _("Goodbye, %(name)s", name=who)
    if 4 <= hour < 12:
        return _("Good morning, %(name)s", name=who)
    if hour < 18:
        return _("Good day, %(name)s", name=who)
    return _("Good evening, %(name)s", name=who)


def noted_at(sense: Sense | None, time: str) -> str:
    """Return the line below a greeting.  `sense` None: the direction is not known.  `time`: local, as text."""
    if sense is Sense.IN:
        return _("In at %(time)s", time=time)
    if sense is Sense.OUT:
        return _("Out at %(time)s", time=time)
    return _("Noted at %(time)s", time=time)


def hours(seconds: int) -> str:
    """Return a duration, such as 7 h 05 min."""
    whole, minutes = divmod(seconds // 60, 60)
    if whole:
        return _("%(hours)s h %(minutes)s min", hours=whole, minutes=f"{minutes:02d}")
    return _("%(minutes)s min", minutes=minutes)
