"""What a tablet says beside the texts of reasons (`service/access/reason_texts.py`): greetings, hours.

In: a name, a direction, seconds.  Out: short texts in large type, translated.
Does not know: the tablet, the database.
"""

from __future__ import annotations

from attendance.domain.access.liveness.challenge import Hint, Step
from attendance.domain.hours.day import Sense
from attendance.domain.passage import Method
from attendance.domain.reason import Reason
from attendance.texts import gettext as _


def hold_still() -> str:
    """Return the hint while nothing is wrong with the picture and more frames must agree."""
    return _("Hold still a moment")


def step_words(step: Step) -> str:
    """Return what a person is asked to do before the camera; left and right are the person's own."""
    return {
        Step.LEFT: _("Turn your head a little to the left"),
        Step.RIGHT: _("Turn your head a little to the right"),
        Step.NEARER: _("Come a little closer"),
    }[step]


def hint_words(hint: Hint | None) -> str:
    """Return what would help somebody who is doing it already; empty without a hint."""
    if hint is None:
        return ""
    return {
        Hint.SLOWLY: _("Slowly: look ahead first, then again"),
        Hint.FURTHER: _("A little more"),
        Hint.NOT_SO_FAR: _("Not so far: a little back"),
    }[hint]


def one_more(reason: Reason, method: Method) -> tuple[str, str]:
    """Return what is shown to a person of whom one more proof, or another one, is asked.

    `method`: by which the person came.
    """
    if reason is Reason.CHALLENGE_FAILED:
        return _("Please enter your PIN"), _("Or use your badge. Or step back for a moment, and try again slowly.")
    if reason is Reason.LIVENESS_STEP_UP:
        return _("Please enter your PIN"), _("Or use your badge: the camera alone was not sure enough.")
    if method is Method.PIN:
        return _("Please look at the camera"), _("Or hold your badge before it: here one proof is not enough.")
    if method is Method.BADGE:
        return _("Please enter your PIN"), _("Or look at the camera: here one proof is not enough.")
    return _("Please enter your PIN"), _("Or use your badge: here one proof is not enough.")


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
