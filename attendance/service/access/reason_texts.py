"""The texts of a reason, in the language of the request: for the log, the explanation and the kiosk.

In: a reason.  Out: its texts; of a poor picture, what was measured.  English outside of a request, as in logs.
Does not know: the texts themselves (`reason_table.py`), pages, the kiosk's protocol, names, scores.
Main choice: every program asks here, so that a reason has the same words everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from attendance.domain.access.pace import Pace
from attendance.domain.access.repeated_looks import Suspicion
from attendance.domain.reason import Reason
from attendance.errors import Phrase, headline
from attendance.service.access.reason_forms import (
    FACE_SEEN,
    KIOSK_FAULT,
    OTHER_WAY,
    Explanation,
    Measure,
    ReasonText,
)
from attendance.service.access.reason_table import REASON_TEXTS
from attendance.texts import gettext as _


def suspicion_words(suspicion: Suspicion) -> Phrase:
    """Return what repeated pictures of a matched face mean, for the log and the camera's page."""
    if suspicion is Suspicion.REPEATED_SEQUENCE:
        return Phrase("the same pictures of a face come again and again: somebody may be playing a recording")
    return Phrase(
        "the same picture of a face has come for a while: the camera is frozen, or somebody replaced its pictures"
    )


def pace_words(pace: Pace) -> Phrase:
    """Return what is wrong with the pace of the pictures, for the log and the camera's page; empty if nothing."""
    if pace.interval is None or not pace.slow:
        return Phrase()
    seconds = f"{pace.interval.total_seconds():.1f}"
    if pace.too_slow:
        return Phrase(
            "a picture is looked at only every %(seconds)s s, so nobody can be recognised: set the camera to two "
            "pictures a second and more, or relieve this computer",
            seconds=seconds,
        )
    return Phrase(
        "a picture is looked at only every %(seconds)s s, so people must stand still for longer: set the camera to two "
        "pictures a second and more, or relieve this computer",
        seconds=seconds,
    )


def reason_words(reason: Reason) -> str:
    """Return what happened, in a few words for a table or a log line."""
    return _(_row(reason).words)


def reason_advice(reason: Reason) -> str:
    """Return what the person or the administrator can do about it."""
    return _(_row(reason).advice)


def kiosk_refusal(reason: Reason) -> tuple[str, str]:
    """Return headline and next step for the person at the kiosk."""
    first, step = _row(reason).kiosk
    return _(first), _(step)


def kiosk_hint(reason: Reason) -> str:
    """Return what a person in front of a kiosk's camera should do; empty unless the picture is poor."""
    return kiosk_refusal(reason)[0] if reason.about_picture else ""


def explanation_of(reason: Reason) -> Explanation:
    """Return the explanation for the person who was refused, the same for every passage of this reason."""
    row = _row(reason)
    if row.explanation is not None:
        return _translated(row.explanation)
    return Explanation(headline(reason_words(reason)), (_(FACE_SEEN),), reason_advice(reason), (_(OTHER_WAY),))


def measure_of(reason: Reason) -> Measure | None:
    """Return what was measured of a poor picture; None for other reasons."""
    return _row(reason).measure


def gaps(reasons: Iterable[Reason], table: Mapping[Reason, ReasonText]) -> list[str]:
    """Return one sentence for each text that a reason lacks in the table."""
    sentences: list[str] = []
    for reason in reasons:
        row = table.get(reason)
        if row is None:
            sentences.append(f"reason_table.py has no row for Reason.{reason.name}")
            continue
        if reason.about_picture and (row.explanation is None or row.kiosk == KIOSK_FAULT):
            sentences.append(f"Reason.{reason.name} is about the picture: its row needs an explanation and a hint")
        if (reason.measured_field is None) != (row.measure is None):
            sentences.append(f"Reason.{reason.name} needs a measure exactly if domain/reason.py has a field for it")
    return sentences


def _row(reason: Reason) -> ReasonText:
    row = REASON_TEXTS.get(reason)
    if row is None:
        raise LookupError(*gaps([reason], REASON_TEXTS))
    return row


def _translated(text: Explanation) -> Explanation:
    seen, steps = (tuple(map(_, sentences)) for sentences in (text.seen, text.steps))
    return replace(text, headline=_(text.headline), seen=seen, rule=_(text.rule), steps=steps)
