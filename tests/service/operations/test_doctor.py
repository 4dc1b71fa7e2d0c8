"""The doctor: a verdict for each thing that can be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import LivenessPoint
from attendance.domain.passage import Direction
from attendance.service.access.edge.deciding import Edge
from attendance.service.calibration import impostors
from attendance.service.operations import backups
from attendance.service.operations.doctor import Check, Patient, Verdict, examine, worst
from attendance.store.access import events, liveness
from attendance.store.access.edge_files import edge_folder
from attendance.store.calibration import operating_points
from attendance.store.calibration.operating_points import Basis
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.faults import DatabaseLocked
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from attendance.store.tables.access import AccessPoint
from tests.factories import MODEL, NOON, make_passage, make_template
from tests.fakes import FakeClock, FakeDoor

NOW = NOON + timedelta(days=1000)  # after this version was made


@pytest.fixture
def patient(engine: Engine, sessions: Sessions, keys: Keys, tmp_path: Path) -> Patient:
    settings = Settings.model_validate({"backup": {"folder": str(tmp_path / "backups")}, "web": {"port": 1}})
    key_file = tmp_path / "master.key"
    key_file.touch(mode=0o600)
    return Patient(settings, engine, sessions, keys, FakeClock(NOW), key_file)


def found(patient: Patient, what: str) -> Check:
    return next(check for check in examine(patient) if check.what == what)


def test_a_sound_site_has_no_fault(patient: Patient, sessions: Sessions, engine: Engine, tmp_path: Path) -> None:
    with sessions.begin() as session:
        cameras.claim(session, "front", source="0", direction=Direction.IN, owner="me", at=NOW)
        cameras.heartbeat(session, "front", owner="me", at=NOW, seen_at=NOW)
    backups.make(engine, tmp_path / "backups", NOW - timedelta(hours=3))
    engine.dispose()
    checks = examine(patient)

    assert [check for check in checks if check.verdict is Verdict.FAULT] == []
    assert found(patient, "Backups").words == "the newest is 3 hours old"
    assert found(patient, "Camera front").verdict is Verdict.OK


def test_a_key_that_others_may_read_is_a_fault_with_the_command(patient: Patient) -> None:
    assert patient.key_file is not None
    patient.key_file.chmod(0o644)
    check = found(patient, "Permissions")

    assert (check.verdict, check.advice) == (Verdict.FAULT, f"Run: chmod 600 {patient.key_file}")


def test_rows_that_point_nowhere_are_found_by_the_deep_look_only(patient: Patient, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("PRAGMA foreign_keys = OFF"))
        connection.execute(text("INSERT INTO person_keys (person_id, uid) VALUES (99, 'x')"))
    engine.dispose()

    assert found(patient, "Database").verdict is Verdict.FAULT
    assert found(replace(patient, deep=False), "Database").verdict is Verdict.OK


def test_a_clock_before_the_newest_passage_is_a_fault(patient: Patient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        events.record_passage(session, make_passage(NOW + timedelta(hours=1)))

    assert found(patient, "Clock").verdict is Verdict.FAULT
    early = replace(patient, clock=FakeClock(NOON))
    assert found(early, "Clock").verdict is Verdict.FAULT


def test_another_program_at_the_port_is_a_fault_and_none_a_warning(patient: Patient) -> None:
    assert found(patient, "Port 1").verdict is Verdict.WARNING


def test_a_check_that_breaks_is_a_fault_and_the_others_are_made(
    patient: Patient, engine: Engine, database: Path
) -> None:
    engine.dispose()
    database.write_bytes(b"ruined" * 5000)
    checks = examine(patient)

    assert found(patient, "Database").verdict is Verdict.FAULT
    assert found(patient, "Versions").verdict is Verdict.OK
    assert worst(checks) is Verdict.FAULT


def test_the_worst_verdict_counts() -> None:
    good, doubtful = Check("a", Verdict.OK, ""), Check("b", Verdict.WARNING, "")

    assert worst([]) is Verdict.OK
    assert worst([good, doubtful, good]) is Verdict.WARNING


def test_a_door_that_goes_on_without_the_database_needs_a_new_copy_of_the_rules(
    patient: Patient, sessions: Sessions, keys: Keys, database: Path
) -> None:
    with sessions.begin() as session:
        cameras.claim(session, "front", source="0", direction=Direction.IN, owner="me", at=NOW)
        session.add(AccessPoint(name="front", door_id=1))
        session.execute(text("UPDATE doors SET offline_s = 300"))
    what, folder = "Rules kept for front", edge_folder(database.parent, "front")
    assert (found(patient, what).verdict, found(patient, what).words) == (Verdict.WARNING, "there is none")

    clock = FakeClock(datetime.now(UTC))
    edge = Edge(sessions, keys, clock, FakeDoor(), "front", folder)
    edge.tick()
    assert found(replace(patient, clock=clock), what).verdict is Verdict.OK
    edge.record(make_passage(clock.now(), camera="front"), DatabaseLocked(""))
    edge.close()
    clock.advance(400)

    checks = [check for check in examine(replace(patient, clock=clock)) if check.what == what]
    assert [check.verdict for check in checks] == [Verdict.WARNING, Verdict.WARNING]
    assert checks[0].words == "1 records wait for the database"


def test_a_camera_that_only_watches_by_a_wrong_name_or_another_network_is_told(
    patient: Patient, sessions: Sessions
) -> None:
    """A name that nobody has would leave the door watching, and an exchanged network takes the drill's point away."""
    with sessions.begin() as session:
        for name in ("front", "back"):
            cameras.claim(session, name, source="0", direction=Direction.IN, owner="me", at=NOW)
        values: dict[str, Any] = {"at": NOW, "by": None, "result": {}, "point": LivenessPoint(1.0, 0.0, 0.0, -1.0)}
        liveness.add_drill(session, camera="front", model_id="older", **values)
        liveness.add_drill(session, camera="back", model_id="older", **values)
        liveness.add_drill(session, camera="back", model_id="newer", **values)
    settings = Settings.model_validate(
        {"liveness": {"cameras": "Front=refuse, back=watch"}, "models": {"liveness": "newer"}}
    )
    told = [one for one in examine(replace(patient, settings=settings)) if one.what == "Liveness"]

    assert [one.verdict for one in told] == [Verdict.WARNING, Verdict.WARNING, Verdict.OK]
    assert "names Front" in told[0].words and "back, front" in told[0].advice
    assert "front only watches" in told[1].words
    assert [one.verdict for one in examine(patient) if one.what == "Liveness"][-1] is Verdict.OK


def test_a_threshold_that_does_not_know_the_gallery_is_a_warning_with_what_to_do(
    patient: Patient, sessions: Sessions
) -> None:
    assert found(patient, "Threshold").verdict is Verdict.OK
    with sessions.begin() as session:
        basis = Basis(0.01, 0, "estimated", "nobody", 0.01, 0.0, 0.02)
        operating_points.set_point(
            session, model_id=patient.settings.models.recogniser, threshold=0.5, margin=0.0, source="administrator",
            gallery_size=0, at=NOW, basis=basis, grown=["gone"],
        )  # fmt: skip
    check = found(patient, "Threshold")
    assert check.verdict is Verdict.WARNING and "1 grown template is gone" in check.words
    assert "calibrate --apply" in check.advice


def test_a_network_without_packaged_strangers_is_told_while_few_are_enrolled(
    patient: Patient, sessions: Sessions, keys: Keys, tmp_path: Path
) -> None:
    models = patient.settings.models.model_copy(update={"weights_dir": str(tmp_path), "recogniser": MODEL})
    small = replace(patient, settings=patient.settings.model_copy(update={"models": models}))
    with sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.5, margin=0.0, source="card default", gallery_size=0, at=NOW
        )
    assert [one.verdict for one in examine(small) if one.what == "Threshold"] == [Verdict.OK]
    with sessions.begin() as session:
        person = people.create_person(session, name="Anna", at=NOW)
        templates.add_template(session, keys, person.id, make_template(1), "upload", {}, None, at=NOW)
    said = [one for one in examine(small) if one.what == "Threshold"]
    assert [one.verdict for one in said] == [Verdict.OK, Verdict.WARNING]
    assert f"{MODEL} has no packaged strangers, so 1 people give no number" in said[1].words
    impostors.file_of(tmp_path, MODEL).write_bytes(b"")
    assert [one.verdict for one in examine(small) if one.what == "Threshold"] == [Verdict.OK]
