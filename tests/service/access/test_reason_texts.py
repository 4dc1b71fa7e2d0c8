"""Every reason has its row of texts, and the same words wherever it is shown."""

from __future__ import annotations

from dataclasses import fields

import pytest

from attendance.config import Quality as Limits
from attendance.domain.faces import Quality
from attendance.domain.reason import POOR_PICTURE, Reason
from attendance.service.access import reason_texts
from attendance.service.access.reason_forms import KIOSK_FAULT
from attendance.service.access.reason_table import REASON_TEXTS
from attendance.service.access.reason_texts import gaps, kiosk_hint, kiosk_refusal, measure_of, reason_words


def test_the_table_has_every_text_of_every_reason() -> None:
    assert gaps(Reason, REASON_TEXTS) == []
    assert set(REASON_TEXTS) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_without_a_row_is_named(reason: Reason, monkeypatch: pytest.MonkeyPatch) -> None:
    shorter = {key: row for key, row in REASON_TEXTS.items() if key is not reason}
    monkeypatch.setattr(reason_texts, "REASON_TEXTS", shorter)

    assert gaps(Reason, shorter) == [f"reason_table.py has no row for Reason.{reason.name}"]
    with pytest.raises(LookupError, match=f"no row for Reason.{reason.name}"):
        reason_words(reason)


def test_a_poor_picture_without_its_texts_is_named() -> None:
    bare = REASON_TEXTS[Reason.NO_FACE]  # of a photo: neither explained nor measured
    told = gaps([Reason.TOO_SMALL, Reason.NO_TEMPLATE], {Reason.TOO_SMALL: bare, Reason.NO_TEMPLATE: bare})

    assert told == [
        "Reason.TOO_SMALL is about the picture: its row needs an explanation and a hint",
        "Reason.TOO_SMALL needs a measure exactly if domain/reason.py has a field for it",
        "Reason.NO_TEMPLATE is about the picture: its row needs an explanation and a hint",
    ]


def test_what_is_measured_and_its_limit_exist() -> None:
    measured, limits = {field.name for field in fields(Quality)}, Limits.model_fields
    for reason in Reason:
        measure = measure_of(reason)
        assert (measure is not None) == (reason.measured_field is not None)
        if measure is not None:
            assert reason.about_picture
            assert reason.measured_field in measured
            assert measure.limit in limits
            assert measure.limit.removeprefix("min_").removeprefix("max_") == reason.measured_field


@pytest.mark.parametrize("reason", list(Reason))
def test_a_kiosk_hints_at_poor_pictures_only(reason: Reason) -> None:
    assert bool(kiosk_hint(reason)) == (reason in POOR_PICTURE)
    headline, step = kiosk_refusal(reason)
    assert headline
    assert step.endswith(".")
    assert (headline, step) == KIOSK_FAULT or headline != KIOSK_FAULT[0]
