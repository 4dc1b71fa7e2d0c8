"""What a tablet says: hints while somebody stands there, refusals, greetings.

In: reasons, a name, seconds.  Out: short texts in large type.
Does not know: the tablet, the database.
Main choice: the person who stands there is spoken to, and not the administrator to whom `Reason.advice`
speaks; every refusal names the other ways in.
"""

from __future__ import annotations

from attendance.domain.hours.day import Sense
from attendance.domain.reason import Reason

OTHER_WAY = "Use your PIN or badge instead."

# While the picture is not good enough to compare: what to do, at once.
HINTS = {
    Reason.TOO_SMALL: "Come closer",
    Reason.CUT_OFF: "Move into the middle",
    Reason.BLURRED: "Hold still",
    Reason.TOO_DARK: "More light, please",
    Reason.LOW_CONTRAST: "More light, please",
    Reason.TOO_BRIGHT: "Too bright: step out of the light",
    Reason.TURNED_AWAY: "Look here",
    Reason.LOOKING_UP_OR_DOWN: "Look here",
    Reason.TILTED: "Hold your head upright",
    Reason.COVERED: "Uncover your face",
    Reason.NO_TEMPLATE: "Move a little",
}
HOLD_STILL = "Hold still a moment"

_REFUSALS = {
    Reason.UNKNOWN: ("Not recognised", OTHER_WAY),
    Reason.AMBIGUOUS: ("Not sure who you are", OTHER_WAY),
    Reason.WRONG_PIN: ("Number or PIN is wrong", "Try again, or use your badge."),
    Reason.PIN_LOCKED: ("Too many tries", "Wait some minutes, or use your badge."),
    Reason.UNKNOWN_BADGE: ("This badge is not known", "Use your number and PIN, or ask for a new badge."),
    Reason.LATE_EVENT: ("This tablet’s clock is wrong", "Ask for a correction."),
}
_FAULT = ("The camera cannot be used now", OTHER_WAY)


def refusal(reason: Reason) -> tuple[str, str]:
    """Headline and what to do."""
    if reason in HINTS:
        return HINTS[reason], f"Or: {OTHER_WAY[0].lower()}{OTHER_WAY[1:]}"
    return _REFUSALS.get(reason, _FAULT)


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
