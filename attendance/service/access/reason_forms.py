"""The form of a reason's texts, and the sentences that several reasons share.

In: nothing.  Out: dataclasses; constants.
Does not know: any reason, the language of a request.
"""

from __future__ import annotations

from dataclasses import dataclass

from attendance.texts import N_

OTHER_WAY = N_("You can always use your PIN or badge: a face is never the only way.")
BETTER_PHOTOS = N_("If this happens often, ask for new photos of you, taken at this camera and in its light.")
NOT_YOU = N_("Report it to whoever runs the door. It is not about you, and trying again will not help.")
FACE_SEEN = N_("A face was seen.")

KIOSK_OTHER_WAY = N_("Use your PIN or badge instead.")
KIOSK_FAULT = (N_("The camera cannot be used now"), KIOSK_OTHER_WAY)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was seen, which rule refused it, and what to do next.

    `about_person`: False if nothing that the person does would have helped.
    """

    headline: str
    seen: tuple[str, ...]
    rule: str
    steps: tuple[str, ...]
    about_person: bool = True


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured of a poor picture (`Reason.measured_field`) and which setting limits it.

    `form`: the value as text, from `%(value)s`, rounded to `digits` after it was multiplied by `scale`.
    `limit`: a key of the settings' section `quality`; it begins with min or max.
    """

    label: str
    limit: str
    form: str = "%(value)s"
    digits: int = 0
    scale: int = 1

    @property
    def at_least(self) -> bool:
        return self.limit.startswith("min")


@dataclass(frozen=True, slots=True)
class ReasonText:
    """The texts of one reason.

    `words`: what happened, in a few words for a table or a log line · `advice`: what an administrator can do
    · `kiosk`: headline and next step for the person at the kiosk; for a poor picture the headline says at
    once what to do · `explanation`: None for a reason that no passage bears · `measure`: of a poor picture.
    """

    words: str
    advice: str
    kiosk: tuple[str, str] = KIOSK_FAULT
    explanation: Explanation | None = None
    measure: Measure | None = None
