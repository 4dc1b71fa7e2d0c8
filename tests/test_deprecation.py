"""Each old name still works and says its new one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from attendance.config import load_settings
from attendance.errors import UserError
from attendance.service.enrolment.bulk_sources import read_entries
from attendance.web.hours.date_range import department_from


def test_the_old_key_of_static_detections_sets_the_new_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[decision]\nstill_face_s = 12.0\n")
    with caplog.at_level(logging.WARNING):
        settings = load_settings(file, environ={})
    assert settings.decision.static_detection_s == 12.0
    assert "decision.still_face_s is called decision.static_detection_s now" in caplog.text


def test_the_new_key_counts_more_than_the_old_one_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[decision]\nstill_face_s = 12.0\nstatic_detection_s = 34.0\n")
    assert load_settings(file, environ={}).decision.static_detection_s == 34.0


def test_a_list_with_the_old_header_of_the_staff_number_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "1.png").write_bytes(b"x")
    source = tmp_path / "list.csv"
    source.write_text("name,photos,external_id\nAnna,1.png,E-1\n")
    with caplog.at_level(logging.WARNING):
        (entry,) = read_entries(source)
    assert entry.staff_number == "E-1"
    assert "external_id is called staff_number now" in caplog.text


def test_a_list_with_both_headers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")
    source = tmp_path / "list.csv"
    source.write_text("name,photos,external_id,staff_number\nAnna,1.png,E-1,E-2\n")
    with pytest.raises(UserError, match="staff_number is there twice"):
        read_entries(source)


def test_an_address_with_the_old_word_team_shows_that_department(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert department_from({"team": "Shop"}) == "Shop"
    assert "team is called department now" in caplog.text
    assert department_from({"team": "Shop", "department": "Lab"}) == "Lab"
    assert department_from({}) is None
