"""The revisions of liveness, and of what an upgraded site keeps, on a database with passages."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from attendance.store.session import make_engine
from tests.store.revisions import do, rows, to

PASSAGE = (
    "INSERT INTO passages (id, at, camera, granted, reason, model_id, gallery_version, frames, direction, method, "
    "clock_doubt) VALUES ('p1', '2024-05-06', 'front', 0, 'unknown', 'm', 1, 3, 'in', 'face', 0)"
)
RULING = (
    "INSERT INTO liveness_rulings (passage_id, policy, verdict, ratio, looks, model_id, source) "
    "VALUES ('p1', '{policy}', 'attack', -3.0, 1, 'm', 'card')"
)
CHALLENGE = (
    "INSERT INTO liveness_challenges (id, camera, asked_at, ends_at, steps, why, ended, passage_id) VALUES "
    "('c1', 'front', '2024-05-06', '2024-05-06', '[\"left\", \"nearer\"]', '{why}', 'passed', 'p1')"
)


def test_older_passages_have_no_ruling_and_stay_when_rulings_go(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0025")
    do(engine, PASSAGE)
    to(engine, "0026")  # liveness
    assert rows(engine, "SELECT * FROM liveness_rulings") == []
    with pytest.raises(IntegrityError):
        do(engine, RULING.format(policy="perhaps"))
    do(engine, RULING.format(policy="refuse"))
    to(engine, "0025", back=True)
    assert rows(engine, "SELECT id FROM passages") == [("p1",)]
    engine.dispose()


def test_a_site_in_use_is_marked_as_upgraded_and_a_new_one_is_not(tmp_path: Path) -> None:
    used, new = (make_engine(f"sqlite:///{tmp_path / name}.db") for name in ("used", "new"))
    to(used, "0025")
    do(used, PASSAGE)
    for engine in (used, new):
        to(engine, "0042")
    query = "SELECT value FROM settings WHERE key = 'upgraded_site'"
    assert rows(used, query) == [("true",)]
    assert rows(new, query) == []
    to(used, "0041", back=True)
    assert rows(used, query) == []
    for engine in (used, new):
        engine.dispose()


def test_older_rulings_stay_when_people_may_be_asked_to_move_and_when_they_no_longer_are(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0042")
    do(engine, PASSAGE, PASSAGE.replace("p1", "p2"), RULING.format(policy="refuse").replace("p1", "p2"))
    with pytest.raises(IntegrityError):
        do(engine, RULING.format(policy="challenge"))
    to(engine, "0043")
    policies = "SELECT passage_id, policy, verdict, ratio FROM liveness_rulings ORDER BY passage_id"
    assert rows(engine, policies) == [("p2", "refuse", "attack", -3.0)]
    for wrong in (RULING.format(policy="perhaps"), CHALLENGE.format(why="mood")):
        with pytest.raises(IntegrityError):
            do(engine, wrong)
    do(engine, RULING.format(policy="challenge"), CHALLENGE.format(why="doubt"))
    assert rows(engine, "SELECT done, declined, hint FROM liveness_challenges") == [("[]", 0, None)]

    to(engine, "0042", back=True)
    assert rows(engine, policies) == [("p1", "step_up", "attack", -3.0), ("p2", "refuse", "attack", -3.0)]
    assert rows(engine, "SELECT name FROM sqlite_master WHERE name = 'liveness_challenges'") == []
    with pytest.raises(IntegrityError):
        do(engine, RULING.format(policy="challenge").replace("p1", "p3"))
    to(engine, "0043")
    do(engine, CHALLENGE.format(why="rule"), "DELETE FROM passages WHERE id = 'p1'")
    assert rows(engine, "SELECT * FROM liveness_challenges") == []  # it belongs to the decision
    engine.dispose()
