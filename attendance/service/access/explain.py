"""Why somebody was refused, in words for the person who stood there.

In: a passage.  Out: an `Explanation`: what was seen, which rule said no, what to do next.
Does not know: pages, names, the database.
Main choice: the words are for the employee, so they hold no score and nobody else's name, whoever reads
them; the numbers stand beside them for operators only (web/why.py).  The price: "like two people" cannot
say which two, and a refusal keeps no candidate from which it could.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from attendance.domain.access.decision import POOR_PICTURE
from attendance.domain.access.operating_point import stands_out
from attendance.domain.passage import Passage
from attendance.domain.reason import Reason
from attendance.errors import headline

OTHER_WAY = "You can always use your PIN or badge: a face is never the only way."
BETTER_PHOTOS = "If this happens often, ask for new photos of you, taken at this camera and in its light."


class Doubt(StrEnum):
    """Which of the rules against doubt refused a face that was like somebody's."""

    SECOND = "second"  # another person was nearly as near
    LOOK_ALIKE = "look-alike"  # nearer than most pairs may be, and not far enough for two who look alike
    DISAGREED = "disagreed"  # the looks named two people, or one person stood in two places
    UNCLEAR = "unclear"  # the record does not tell


@dataclass(frozen=True, slots=True)
class Explanation:
    """`about_person`: False when nothing that the person does would have helped."""

    headline: str
    seen: tuple[str, ...]
    rule: str
    steps: tuple[str, ...]
    about_person: bool = True


def explain(passage: Passage, usual_margin: float | None = None) -> Explanation:
    """In words.  `usual_margin`: the one between most people when it happened, None where that is not known."""
    reason = passage.reason
    if passage.granted:
        return _granted(passage)
    if reason in POOR_PICTURE:
        seen, step = _POOR[reason]
        return Explanation(
            "The picture was not good enough to compare",
            ("A face was seen.", seen),
            "A poor picture is never compared with anybody, because it could be taken for somebody else.",
            (step, OTHER_WAY),
        )
    if reason is Reason.UNKNOWN:
        return Explanation(
            "Your face was not recognised",
            (_looks(passage), "The picture was good. The face was not enough like any enrolled person’s photos."),
            "A face must be clearly like one person’s photos. The site has set how clearly, so that strangers "
            "stay outside; this time it was less.",
            (
                "Try again: stop for a moment, look straight at the camera, take off cap, scarf or dark glasses.",
                OTHER_WAY,
                BETTER_PHOTOS,
                "Never enrolled? Ask for it; nobody is enrolled without having agreed.",
            ),
        )
    if reason is Reason.AMBIGUOUS:
        return _ambiguous(passage, doubt_of(passage, usual_margin))
    return _OTHERS.get(reason, _other(reason))


def doubt_of(passage: Passage, usual_margin: float | None = None) -> Doubt:
    """Which rule made an ambiguous look nobody, read back from the numbers of the record."""
    if passage.margin is None or passage.score is None:
        return Doubt.UNCLEAR
    if stands_out(passage.score, passage.runner_up, passage.margin):
        return Doubt.DISAGREED  # alone it would have passed
    # Between look-alikes the record holds the larger margin that was asked of them.
    wider = usual_margin is not None and passage.margin > usual_margin + 1e-9
    return Doubt.LOOK_ALIKE if wider else Doubt.SECOND


def _looks(passage: Passage) -> str:
    if passage.frames < 2:
        return "One look was compared."
    return f"{passage.frames} looks were compared."


def _granted(passage: Passage) -> Explanation:
    by = {"pin": "by PIN", "badge": "by badge"}.get(passage.method.value, "by face")
    seen = _looks(passage) + " All named the same person." if by == "by face" else f"The person was told {by}."
    return Explanation(
        f"Let in, {by}",
        (seen,),
        "The face was enough like the person’s photos, and clearly more so than like anybody else’s."
        if by == "by face"
        else "The number or badge belongs to an active person.",
        ("Nothing to do.",),
    )


def _ambiguous(passage: Passage, doubt: Doubt) -> Explanation:
    seen = {
        Doubt.SECOND: "Your face was like the photos of two people, and the difference was small.",
        Doubt.LOOK_ALIKE: "Your face was like the photos of two people who are known to look alike.",
        Doubt.DISAGREED: "The looks did not agree on one person; perhaps two people walked up together.",
        Doubt.UNCLEAR: "It was not clear which of two people stood there.",
    }[doubt]
    rule = {
        Doubt.LOOK_ALIKE: "Between two people who look alike the difference must be larger than between others. "
        "Otherwise it counts as nobody: better no entry than the wrong name.",
        Doubt.DISAGREED: "Several looks in a row must name the same person and nobody else. Otherwise it counts as "
        "nobody: better no entry than the wrong name.",
    }.get(
        doubt,
        "The nearest person must be clearly ahead of the second. Otherwise it counts as nobody: better no entry than "
        "the wrong name.",
    )
    again = (
        "Step up alone, stop for a moment and look straight at the camera."
        if doubt is Doubt.DISAGREED
        else "Come a little closer, look straight at the camera and try again."
    )
    return Explanation("It was not sure who you are", (_looks(passage), seen), rule, (again, OTHER_WAY, BETTER_PHOTOS))


# What was seen, and what to do about it.
_POOR = {
    Reason.TOO_SMALL: ("It was small in the picture: too far away.", "Come closer before you stop."),
    Reason.CUT_OFF: ("A part of it was outside the picture.", "Stand in the middle, so that the whole face is seen."),
    Reason.BLURRED: ("It was blurred, by moving or by a dirty lens.", "Stop for a moment and hold still."),
    Reason.TOO_DARK: (
        "It was too dark.",
        "Face the light. Dark here every day? Tell who looks after the door.",
    ),
    Reason.TOO_BRIGHT: ("It was too bright.", "Step out of the strong light, or wait until the sun has moved on."),
    Reason.LOW_CONTRAST: (
        "It was pale and flat, as in light from behind.",
        "Turn so that the light does not come from behind you.",
    ),
    Reason.TURNED_AWAY: ("It was turned to the side.", "Look straight at the camera."),
    Reason.LOOKING_UP_OR_DOWN: ("It looked up or down.", "Look straight at the camera, at its height."),
    Reason.TILTED: ("The head was tilted.", "Hold your head upright."),
    Reason.COVERED: ("A part of it was covered.", "Take hand, scarf, mask or dark glasses off the face."),
    Reason.NO_TEMPLATE: ("The program could make nothing of it that can be compared.", "Move a little, and try again."),
}

_NOT_YOU = (OTHER_WAY, "Tell who looks after the door; it is not about you, and trying again will not help.")

_OTHERS = {
    Reason.WRONG_PIN: Explanation(
        "The number or the PIN was wrong",
        ("A staff number and a PIN were typed at the tablet.",),
        "Both must fit. The tablet does not say which of them was wrong, so that nobody can guess.",
        ("Type both again, slowly.", "Forgotten? Ask for a new PIN."),
    ),
    Reason.PIN_LOCKED: Explanation(
        "Too many wrong PINs",
        ("Several wrong PINs were typed.",),
        "After several wrong PINs the number is locked for some minutes, so that nobody can try them all.",
        ("Wait some minutes, or use your badge.", "Was it not you? Tell an administrator."),
    ),
    Reason.UNKNOWN_BADGE: Explanation(
        "This badge is not known",
        ("A badge was shown.",),
        "Only the newest badge of a person counts; an older one is replaced by it.",
        ("Show your newest badge, or use your number and PIN.", "Ask for a new badge if you have none."),
    ),
    Reason.LATE_EVENT: Explanation(
        "The tablet’s clock was wrong",
        ("The check-in came with a time that cannot be.",),
        "A time that lies in the future or too far back is not counted.",
        ("Ask for a correction of your working time.", "Tell who looks after the tablet."),
        about_person=False,
    ),
    Reason.EMPTY_GALLERY: Explanation(
        "Nobody is enrolled yet",
        ("A face was seen.",),
        "Without enrolled people there is nobody it could be.",
        ("Ask to be enrolled.", OTHER_WAY),
        about_person=False,
    ),
    Reason.STALE_GALLERY: Explanation(
        "The camera had lost touch with the database",
        ("A face was seen.",),
        "Who may pass is not guessed from an old list.",
        _NOT_YOU,
        about_person=False,
    ),
    Reason.NO_OPERATING_POINT: Explanation(
        "The site has not set how sure it must be",
        ("A face was seen.",),
        "Without a threshold no door opens by face.",
        _NOT_YOU,
        about_person=False,
    ),
    Reason.FOREIGN_MODEL: Explanation(
        "The enrolled photos belong to another version",
        ("A face was seen.",),
        "Photos that were read by another network are not compared.",
        (OTHER_WAY, "Ask to be enrolled again."),
        about_person=False,
    ),
    Reason.FAULT: Explanation(
        "Something broke",
        ("A fault happened while the picture was looked at.",),
        "Whatever goes wrong, the door stays shut.",
        _NOT_YOU,
        about_person=False,
    ),
}


def _other(reason: Reason) -> Explanation:
    """Reasons that no passage bears today."""
    return Explanation(headline(reason.words), ("A face was seen.",), reason.advice, (OTHER_WAY,))
