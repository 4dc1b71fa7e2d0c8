"""The pages of the acceptance test's report; the test itself is in tests/cli/test_acceptance.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.calibration.acceptance import Attempt, Kind, Outcome
from attendance.service.calibration import acceptance
from attendance.service.hours.day_words import Local
from attendance.store.calibration import operating_points
from attendance.store.session import Sessions
from tests.pdf_text import text_in

BEGUN = datetime(2024, 5, 31, 21, 30, tzinfo=UTC)
SETTING = acceptance.Setting("Plant", "entrance", "Ada", "model", "detector", {"model.onnx": "0" * 64})


@pytest.fixture
def content(sessions: Sessions) -> dict[str, Any]:
    attempts = [
        Attempt(Kind.ENROLLED, "person 1", BEGUN, Outcome.LET_IN, "passage", "7", "recognised", 0.6125),
        Attempt(Kind.ENROLLED, "person 2", BEGUN + timedelta(minutes=1), Outcome.REFUSED, "operator"),
        Attempt(Kind.STRANGER, "S1", BEGUN + timedelta(minutes=2), Outcome.REFUSED, "operator"),
    ]
    with sessions.begin() as session:
        operating_points.set_point(
            session, model_id="model", threshold=0.475, margin=0.05, source="calibration", gallery_size=2,
            at=BEGUN - timedelta(days=1), basis=operating_points.Basis(1 / 12_500, 2, "estimated", "site", 8e-5),
        )  # fmt: skip
        return acceptance.content_of(session, SETTING, attempts, BEGUN, BEGUN + timedelta(hours=1))


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("en_GB", ("31 May 2024, 23:30 to 1 Jun 2024, 00:30 CEST", "50.0%", "0.4750", "0.050", "12,500", "0.61")),
        ("de_DE", ("31.05.2024, 23:30 to 01.06.2024, 00:30 CEST", "50,0", "0,4750", "0,050", "12.500", "0,61")),
    ],
)  # fmt: skip
def test_dates_and_numbers_are_written_by_the_locale(
    content: dict[str, Any], tmp_path: Path, locale: str, written: tuple[str, ...]
) -> None:
    document = acceptance.pages(content, Local(ZoneInfo("Europe/Berlin"), locale))
    text = text_in(document, tmp_path, "-layout")

    for words in written:
        assert words in text, words


def test_the_terminal_shows_rates_as_before() -> None:
    row = acceptance.summary([Attempt(Kind.STRANGER, "S1", BEGUN, Outcome.REFUSED, "operator")])[1]

    assert row[1:3] == ("0.0%", "0.0% to 79.3%")


def test_every_kind_and_outcome_has_words() -> None:
    assert (set(acceptance._KINDS), set(acceptance._OUTCOMES)) == (set(Kind), set(Outcome))
