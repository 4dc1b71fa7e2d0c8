"""Every way a look at the camera can end.

In: nothing.  Out: `Reason` values, and which of them are about the picture.
Does not know: how a reason was found, and its texts (`service/access/reason_texts.py`).
Main choice: a denial is a value with a reason and never an exception; faults are exceptions and
end as the one reason FAULT.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """How a look ended.  Stored in the database by value: never rename one, only add."""

    MATCHED = "matched"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    EMPTY_GALLERY = "empty_gallery"
    STALE_GALLERY = "stale_gallery"
    NO_OPERATING_POINT = "no_operating_point"
    FOREIGN_MODEL = "foreign_model"
    NO_CONSENT = "no_consent"
    MAY_BE_ANOTHER = "may_be_another"
    LOW_CONTRAST = "low_contrast"
    TILTED = "tilted"
    LOOKING_UP_OR_DOWN = "looking_up_or_down"
    COVERED = "covered"
    NO_TEMPLATE = "no_template"
    FAULT = "fault"
    WRONG_PIN = "wrong_pin"
    UNKNOWN_BADGE = "unknown_badge"
    PIN_LOCKED = "pin_locked"
    LATE_EVENT = "late_event"
    # The rules of doors (`domain/access/rules/decide.py`).
    UNKNOWN_POINT = "unknown_point"
    STALE_POLICY = "stale_policy"
    LOCKDOWN = "lockdown"
    DOOR_LOCKED = "door_locked"
    DOOR_BLOCKED = "door_blocked"
    INTERLOCK = "interlock"
    NOT_ACTIVE = "not_active"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    LOCKED_OUT = "locked_out"
    CLOCK_DOUBT = "clock_doubt"
    NO_RIGHT = "no_right"
    OUTSIDE_SCHEDULE = "outside_schedule"
    SECOND_FACTOR = "second_factor"
    FACTOR_TIMEOUT = "factor_timeout"
    WRONG_FACTOR = "wrong_factor"
    FACTOR_NOT_ACCEPTED = "factor_not_accepted"
    FIRST_PERSON = "first_person"
    SECOND_PERSON = "second_person"
    PASSBACK = "passback"
    AREA_FULL = "area_full"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    NOT_LIVE = "not_live"
    LIVENESS_STEP_UP = "liveness_step_up"
    CHALLENGE_FAILED = "challenge_failed"

    @property
    def about_picture(self) -> bool:
        """Whether the picture was too poor: such a look says nothing about who is in it."""
        return self in POOR_PICTURE

    @property
    def by_rule(self) -> bool:
        """Whether a rule of the door refused, and not a look: somebody may have been identified all the same."""
        return self in BY_RULE

    @property
    def measured_field(self) -> str | None:
        """Return the field of `Quality` that was too low or too high; None if nothing was measured."""
        return _MEASURED.get(self)


# Reasons about the picture, each with the field of `Quality` that it measures.
_MEASURED = {
    Reason.TOO_SMALL: "size",
    Reason.CUT_OFF: "visible",
    Reason.BLURRED: "sharpness",
    Reason.TOO_DARK: "brightness",
    Reason.TOO_BRIGHT: "brightness",
    Reason.TURNED_AWAY: "yaw",
    Reason.LOW_CONTRAST: "contrast",
    Reason.TILTED: "roll",
    Reason.LOOKING_UP_OR_DOWN: "pitch",
    Reason.COVERED: "uncovered",
}
POOR_PICTURE = frozenset(_MEASURED) | {Reason.NO_TEMPLATE}
BY_RULE = frozenset(
    {
        Reason.UNKNOWN_POINT,
        Reason.STALE_POLICY,
        Reason.LOCKDOWN,
        Reason.DOOR_LOCKED,
        Reason.DOOR_BLOCKED,
        Reason.INTERLOCK,
        Reason.NO_CONSENT,
        Reason.NOT_ACTIVE,
        Reason.NOT_YET_VALID,
        Reason.EXPIRED,
        Reason.LOCKED_OUT,
        Reason.CLOCK_DOUBT,
        Reason.NO_RIGHT,
        Reason.OUTSIDE_SCHEDULE,
        Reason.SECOND_FACTOR,
        Reason.FACTOR_TIMEOUT,
        Reason.WRONG_FACTOR,
        Reason.FACTOR_NOT_ACCEPTED,
        Reason.FIRST_PERSON,
        Reason.SECOND_PERSON,
        Reason.PASSBACK,
        Reason.AREA_FULL,
    }
)
