"""What a kiosk says to whoever stands there."""

from __future__ import annotations

from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import kiosk_refusal
from attendance.service.kiosk.messages import greeting, hours


def test_every_reason_has_words_for_the_person_who_stands_there() -> None:
    for reason in Reason:
        words, advice = kiosk_refusal(reason)
        assert words and advice and "administrator" not in advice


def test_greetings_and_hours_read_well() -> None:
    assert greeting("", None, 9, repeat=False) == "Good morning, you"
    assert [hours(one) for one in (0, 59 * 60, 3600, 27_300)] == ["0 min", "59 min", "1 h 00 min", "7 h 35 min"]
