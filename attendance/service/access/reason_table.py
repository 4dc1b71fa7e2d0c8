"""The table of reasons: one row a `Reason`, with its texts for the log, the explanation and the kiosk.

In: nothing.  Out: `REASON_TEXTS`, in English and marked for translation.
Does not know: the language of a request (`reason_texts.py` translates), pages, names, scores.
Main choice: one table.  A new reason needs one row here; a test names the row that is missing.
Trade-off: a row holds texts for several readers.  `advice` is for the administrator; `kiosk` and
`explanation` are for the person who was refused, so they hold no score and nobody else's name.
"""

from __future__ import annotations

from collections.abc import Mapping

from attendance.domain.reason import Reason
from attendance.service.access.reason_forms import (
    BETTER_PHOTOS,
    FACE_SEEN,
    KIOSK_OTHER_WAY,
    NOT_YOU,
    OTHER_WAY,
    Explanation,
    Measure,
    ReasonText,
)
from attendance.service.access.rule_reasons import RULE_REASONS
from attendance.texts import N_

_KIOSK_OR_OTHER_WAY = N_("Or: use your PIN or badge instead.")


def _poor_picture(seen: str, step: str) -> Explanation:
    return Explanation(
        N_("The picture was not good enough to compare"),
        (FACE_SEEN, seen),
        N_("A poor picture is never compared with anybody, because it could be mistaken for somebody else."),
        (step, OTHER_WAY),
    )


def _door_cannot(headline: str, rule: str, *steps: str) -> Explanation:
    return Explanation(headline, (FACE_SEEN,), rule, steps or (OTHER_WAY, NOT_YOU), about_person=False)


REASON_TEXTS: Mapping[Reason, ReasonText] = {
    Reason.MATCHED: ReasonText(
        N_("recognised"),
        N_("Nothing to do."),
        explanation=Explanation(
            N_("Let in, by face"),
            (N_("All looks matched the same person."),),
            N_("The face was enough like the person’s photos, and clearly more so than like anybody else’s."),
            (N_("Nothing to do."),),
        ),
    ),
    Reason.UNKNOWN: ReasonText(
        N_("not recognised"),
        N_("Enrol this person, or add photos taken at this camera."),
        (N_("Not recognised"), KIOSK_OTHER_WAY),
        Explanation(
            N_("Your face was not recognised"),
            (N_("The picture was good. The face was not enough like any enrolled person’s photos."),),
            N_(
                "A face must be clearly like one person’s photos. The site has set how clearly, so that strangers "
                "stay outside. This time it was less."
            ),
            (
                N_("Try again: stop for a moment, look straight at the camera, take off cap, scarf or dark glasses."),
                OTHER_WAY,
                BETTER_PHOTOS,
                N_("Never enrolled? Ask for it; nobody is enrolled without having agreed."),
            ),
        ),
    ),
    Reason.AMBIGUOUS: ReasonText(
        N_("two people look alike"),
        N_("Use PIN or badge; add clearer photos of both people."),
        (N_("Not sure who you are"), KIOSK_OTHER_WAY),
        Explanation(
            N_("It was not certain who you are"),
            (N_("It was not clear which of two people this was."),),
            N_(
                "The nearest person must be clearly ahead of the second. Otherwise nobody is identified: better no "
                "entry than the wrong name."
            ),
            (N_("Come a little closer, look straight at the camera and try again."), OTHER_WAY, BETTER_PHOTOS),
        ),
    ),
    Reason.TOO_MANY_ATTEMPTS: ReasonText(
        N_("refused too often just now"),
        N_(
            "Use PIN or badge, or wait a few minutes; enrol again at the door’s camera if this person is often refused."
        ),
        (N_("Too many attempts"), KIOSK_OTHER_WAY),
        Explanation(
            N_("This face was refused too often just now"),
            (N_("The same face was refused several times within a few minutes."),),
            N_("After several refused attempts a door waits before it decides about that face again."),
            (N_("Wait a few minutes before you try again."), OTHER_WAY, BETTER_PHOTOS),
        ),
    ),
    Reason.NO_FACE: ReasonText(
        N_("no face found"),
        N_("Use a photo in which the whole face is visible and well lit."),
    ),
    Reason.SEVERAL_FACES: ReasonText(N_("several faces"), N_("Use a photo with one person only.")),
    Reason.TOO_SMALL: ReasonText(
        N_("face too small"),
        N_("Come closer, or use a photo with a larger face."),
        (N_("Come closer"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(N_("It was small in the picture: too far away."), N_("Come closer before you stop.")),
        Measure(N_("Size of the face"), "min_size", N_("%(value)s pixels")),
    ),
    Reason.CUT_OFF: ReasonText(
        N_("face cut off"),
        N_("Bring the whole face into the picture."),
        (N_("Move into the middle"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(
            N_("A part of it was outside the picture."),
            N_("Stand in the middle, so that the whole face is seen."),
        ),
        Measure(N_("Part of the face inside the picture"), "min_visible", N_("%(value)s %%"), scale=100),
    ),
    Reason.BLURRED: ReasonText(
        N_("blurred"),
        N_("Hold still, clean the lens, or use a sharper photo."),
        (N_("Hold still"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(
            N_("It was blurred, by moving or by a dirty lens."),
            N_("Stop for a moment and hold still."),
        ),
        Measure(N_("Sharpness"), "min_sharpness"),
    ),
    Reason.TOO_DARK: ReasonText(
        N_("too dark"),
        N_("Turn on a light in front of the face."),
        (N_("More light, please"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(
            N_("It was too dark."),
            N_("Face the light. Dark here every day? Report it to whoever runs the door."),
        ),
        Measure(N_("Brightness, 0 to 255"), "min_brightness"),
    ),
    Reason.TOO_BRIGHT: ReasonText(
        N_("too bright"),
        N_("Avoid strong light on the face or behind the camera."),
        (N_("Too bright: step out of the light"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(
            N_("It was too bright."),
            N_("Step out of the strong light, or wait until the sun has moved on."),
        ),
        Measure(N_("Brightness, 0 to 255"), "max_brightness"),
    ),
    Reason.LOW_CONTRAST: ReasonText(
        N_("too little contrast"),
        N_("Clean the lens, and avoid light from behind or straight ahead."),
        (N_("More light, please"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(
            N_("It was pale and flat, as in light from behind."),
            N_("Turn so that the light does not come from behind you."),
        ),
        Measure(N_("Contrast"), "min_contrast"),
    ),
    Reason.TURNED_AWAY: ReasonText(
        N_("turned away"),
        N_("Look straight at the camera."),
        (N_("Look here"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(N_("It was turned to the side."), N_("Look straight at the camera.")),
        Measure(N_("Turned to the side, 0 is straight"), "max_yaw", digits=2),
    ),
    Reason.LOOKING_UP_OR_DOWN: ReasonText(
        N_("looking up or down"),
        N_("Look straight at the camera, at its height."),
        (N_("Look here"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(N_("It looked up or down."), N_("Look straight at the camera, at its height.")),
        Measure(N_("Up or down, 0 is level"), "max_pitch", digits=2),
    ),
    Reason.TILTED: ReasonText(
        N_("head tilted"),
        N_("Hold the head upright."),
        (N_("Hold your head upright"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(N_("The head was tilted."), N_("Hold your head upright.")),
        Measure(N_("Tilt"), "max_roll", "%(value)s°"),
    ),
    Reason.COVERED: ReasonText(
        N_("face partly covered"),
        N_("Take hands, hair, mask or dark glasses off the face."),
        (N_("Uncover your face"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(N_("A part of it was covered."), N_("Take hand, scarf, mask or dark glasses off the face.")),
        Measure(N_("Seen around eyes, nose and mouth"), "min_uncovered", N_("%(value)s %%"), scale=100),
    ),
    Reason.NO_TEMPLATE: ReasonText(
        N_("face cannot be compared"),
        N_("Move a little and try again, or use another photo."),
        (N_("Move a little"), _KIOSK_OR_OTHER_WAY),
        _poor_picture(
            N_("The program could not compute anything from it that can be compared."),
            N_("Move a little, and try again."),
        ),
    ),
    Reason.EMPTY_GALLERY: ReasonText(
        N_("nobody is enrolled"),
        N_("Enrol people on the admin site."),
        explanation=_door_cannot(
            N_("Nobody is enrolled yet"),
            N_("Without enrolled people there is nobody to compare a face with."),
            N_("Ask to be enrolled."),
            OTHER_WAY,
        ),
    ),
    Reason.STALE_GALLERY: ReasonText(
        N_("gallery out of date"),
        N_("The daemon cannot read the database: check its log."),
        explanation=_door_cannot(
            N_("The camera had lost contact with the database"),
            N_("Nobody is let in by a list that may be out of date."),
        ),
    ),
    Reason.NO_OPERATING_POINT: ReasonText(
        N_("no threshold set"),
        N_("Set a threshold on the admin site’s threshold page."),
        explanation=_door_cannot(
            N_("The site has not set how certain a match must be"),
            N_("Without a threshold no door opens by face."),
        ),
    ),
    Reason.FOREIGN_MODEL: ReasonText(
        N_("enrolled with another model"),
        N_("Enrol again with the present model."),
        explanation=_door_cannot(
            N_("The enrolled photos belong to another version"),
            N_("Photos that were read by another network are not compared."),
            OTHER_WAY,
            N_("Ask to be enrolled again."),
        ),
    ),
    Reason.NO_CONSENT: ReasonText(
        N_("no consent to this"),
        N_("Note the person’s consent to this purpose, or use a PIN or badge."),
        (N_("Your face may not be used here"), KIOSK_OTHER_WAY),
        Explanation(
            N_("You did not agree to the use of your face here"),
            (N_("A door needs your consent to access, a tablet the one to working time."),),
            N_("Both are yours to give and to withdraw, each by itself."),
            (OTHER_WAY, N_("See what you agreed to under “My data”.")),
        ),
    ),
    Reason.MAY_BE_ANOTHER: ReasonText(
        N_("this may be somebody else who is enrolled"),
        N_("One person under two names: use the first entry. Two people: confirm that, then add the photo again."),
    ),
    Reason.WRONG_PIN: ReasonText(
        N_("staff number or PIN wrong"),
        N_("Try again, or set a new PIN on the person’s page."),
        (N_("Staff number or PIN is wrong"), N_("Try again, or use your badge.")),
        Explanation(
            N_("The staff number or the PIN was wrong"),
            (N_("A staff number and a PIN were typed at the tablet."),),
            N_("Both must be right. The tablet does not say which of them was wrong, so that nobody can guess."),
            (N_("Type both again, slowly."), N_("Forgotten? Ask for a new PIN.")),
        ),
    ),
    Reason.PIN_LOCKED: ReasonText(
        N_("too many wrong PINs"),
        N_("Wait some minutes, or use the badge."),
        (N_("Too many tries"), N_("Wait some minutes, or use your badge.")),
        Explanation(
            N_("Too many wrong PINs"),
            (N_("Several wrong PINs were typed."),),
            N_(
                "After several wrong PINs the staff number is locked for some minutes, so that nobody can try them all."
            ),
            (N_("Wait some minutes, or use your badge."), N_("Was it not you? Report it to an administrator.")),
        ),
    ),
    Reason.UNKNOWN_BADGE: ReasonText(
        N_("badge not known"),
        N_("Print a new badge on the person’s page; it may have been replaced."),
        (N_("This badge is not known"), N_("Use your staff number and PIN, or ask for a new badge.")),
        Explanation(
            N_("This badge is not known"),
            (N_("A badge was shown."),),
            N_("Only the newest badge of a person counts; it replaces older ones."),
            (
                N_("Show your newest badge, or use your staff number and PIN."),
                N_("Ask for a new badge if you have none."),
            ),
        ),
    ),
    Reason.LATE_EVENT: ReasonText(
        N_("time of the kiosk is wrong"),
        N_("Check the clock of the kiosk, then ask for a correction."),
        (N_("This tablet’s clock is wrong"), N_("Ask for a correction.")),
        Explanation(
            N_("The tablet’s clock was wrong"),
            (N_("The check-in came with an impossible time."),),
            N_("A time in the future or too far in the past does not count."),
            (N_("Ask for a correction of your working time."), N_("Report it to whoever runs the tablet.")),
            about_person=False,
        ),
    ),
    Reason.NOT_LIVE: ReasonText(
        N_("perhaps a picture of a person"),
        N_("Let the person try again in better light, or use a PIN or badge. See what each cue said under “Why?”."),
        (N_("We could not be sure that you are here in person"), KIOSK_OTHER_WAY),
        Explanation(
            N_("The camera could not be sure that a living person stood there"),
            (N_("Your face was recognised. It looked or moved as a printed or shown picture does."),),
            N_("A photo or a screen must not open the door. Doubt does not mean that you did anything wrong."),
            (N_("Step up alone, with nothing in front of your face, and turn your head a little."), OTHER_WAY),
        ),
    ),
    Reason.LIVENESS_STEP_UP: ReasonText(
        N_("perhaps a picture of a person; a second factor is needed"),
        N_("Ask the person to use a PIN or badge. See what each cue said under “Why?”."),
        (N_("One more step, please"), KIOSK_OTHER_WAY),
        Explanation(
            N_("The camera was not sure enough without a second factor"),
            (N_("Your face was recognised. It was not clear that a living person stood there."),),
            N_("In doubt this door asks for a PIN or badge. Doubt does not mean that you did anything wrong."),
            (OTHER_WAY, N_("Step up alone, with nothing in front of your face, and turn your head a little.")),
        ),
    ),
    Reason.CHALLENGE_FAILED: ReasonText(
        N_("did not move as asked"),
        N_("Let the person try again, slowly, or use a PIN or badge. See what was asked and done under “Why?”."),
        (N_("Please use your PIN or badge"), N_("Or step back for a moment, and try again slowly.")),
        Explanation(
            N_("The movement that was asked for was not seen"),
            (N_("Your face was recognised. The camera asked you to turn your head or to come nearer."),),
            N_("A photo cannot turn its head. If you do not move as asked, for whatever reason, use a PIN or badge."),
            (
                OTHER_WAY,
                N_("Or try again: slowly, in the order that the screen shows, and wait for each next step."),
            ),
        ),
    ),
    Reason.FAULT: ReasonText(
        N_("system fault"),
        N_("See the daemon’s log."),
        explanation=Explanation(
            N_("Something broke"),
            (N_("A fault happened while the picture was being checked."),),
            N_("Whatever goes wrong, the door stays closed."),
            (OTHER_WAY, NOT_YOU),
            about_person=False,
        ),
    ),
    **RULE_REASONS,
}
