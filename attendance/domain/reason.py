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
    FAULT = "fault"

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
    Reason.FAULT: ("system fault", "See the daemon's log."),
}
