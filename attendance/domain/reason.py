"""Every way a look at the camera can end, and what to say about it.

In: nothing.  Out: `Reason` values and their words.  Does not know: how a reason was found.
Main choice: a denial is a value with a reason and never an exception; faults are exceptions and
end as the one reason FAULT.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Stored in the database by value: never rename one, only add."""

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

    @property
    def words(self) -> str:
        """What happened, in a few words for a table."""
        return _WORDS[self][0]

    @property
    def advice(self) -> str:
        """What the person or the administrator can do about it."""
        return _WORDS[self][1]


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.MATCHED: ("recognised", "Nothing to do."),
    Reason.UNKNOWN: ("not recognised", "Enrol this person, or add photos taken at this camera."),
    Reason.AMBIGUOUS: ("two people look alike", "Use PIN or badge; add clearer photos of both people."),
    Reason.NO_FACE: ("no face found", "Use a photo in which the whole face is visible and well lit."),
    Reason.SEVERAL_FACES: ("several faces", "Use a photo with one person only."),
    Reason.TOO_SMALL: ("face too small", "Come closer, or use a photo with a larger face."),
    Reason.CUT_OFF: ("face cut off", "Bring the whole face into the picture."),
    Reason.BLURRED: ("blurred", "Hold still, clean the lens, or use a sharper photo."),
    Reason.TOO_DARK: ("too dark", "Turn on a light in front of the face."),
    Reason.TOO_BRIGHT: ("too bright", "Avoid strong light on the face or behind the camera."),
    Reason.TURNED_AWAY: ("turned away", "Look straight at the camera."),
    Reason.EMPTY_GALLERY: ("nobody is enrolled", "Enrol people on the admin site."),
    Reason.STALE_GALLERY: ("gallery out of date", "The daemon cannot read the database: check its log."),
    Reason.NO_OPERATING_POINT: ("no threshold set", "Set a threshold on the admin site's threshold page."),
    Reason.FOREIGN_MODEL: ("enrolled with another model", "Enrol again with the present model."),
    Reason.NO_CONSENT: ("no consent noted", "Note the person's consent first."),
    Reason.MAY_BE_ANOTHER: (
        "this may be somebody else who is enrolled",
        "One person under two names: use the first entry. Two people: confirm that, then add the photo again.",
    ),
    Reason.LOW_CONTRAST: ("too little contrast", "Clean the lens, and avoid light from behind or straight ahead."),
    Reason.TILTED: ("head tilted", "Hold the head upright."),
    Reason.LOOKING_UP_OR_DOWN: ("looking up or down", "Look straight at the camera, at its height."),
    Reason.COVERED: ("face partly covered", "Take hands, hair, mask or dark glasses off the face."),
    Reason.NO_TEMPLATE: ("face cannot be compared", "Move a little and try again, or use another photo."),
    Reason.WRONG_PIN: ("number or PIN wrong", "Try again, or set a new PIN on the person's page."),
    Reason.UNKNOWN_BADGE: ("badge not known", "Print a new badge on the person's page; it may have been replaced."),
    Reason.PIN_LOCKED: ("too many wrong PINs", "Wait some minutes, or use the badge."),
    Reason.LATE_EVENT: ("time of the kiosk is wrong", "Check the clock of the kiosk, then ask for a correction."),
    Reason.FAULT: ("system fault", "See the daemon's log."),
}
