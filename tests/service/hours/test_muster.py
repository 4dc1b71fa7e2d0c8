"""Who is in the building: areas, else hours, else the last passage; what a muster keeps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.service.hours import muster
from attendance.service.hours.muster import Present, Source
from attendance.store.access import events, musters, present
from attendance.store.alarms import alarms
from attendance.store.session import Sessions
from attendance.store.tables.access import Area
from tests.factories import make_passage
from tests.service.hours.conftest import BERLIN, add_person, local, passage

NINE, TEN, NOON = local("09:00"), local("10:00"), local("12:00")
MINUTE = timedelta(minutes=1)


def sources(found: Iterable[Present]) -> dict[str, Source]:
    return {one.name or one.where: one.source for one in found}


def test_an_area_speaks_before_hours_and_newer_knowledge_of_leaving_before_both(session: Session) -> None:
    session.add(Area(id=1, name="Mill"))
    session.flush()
    ada, bea, cid, dora = (add_person(session, name) for name in ("Ada", "Bea", "Cid", "Dora"))
    for who in (ada, bea, cid, dora):
        passage(session, who, NINE, Direction.IN)
    present.move(session, ada, 1, TEN, None)  # in the mill
    present.move(session, bea, None, TEN, None)  # left the last area after the check-in
    passage(session, cid, NOON - MINUTE, Direction.OUT)
    present.move(session, dora, 1, TEN, None)
    passage(session, dora, NOON - MINUTE, Direction.OUT)  # a check-out after she entered the mill

    found = muster.inside(session, NOON, BERLIN)

    assert sources(found) == {"Ada": Source.AREA}
    assert (found[0].where, found[0].since) == ("Mill", TEN)
    present.move(session, bea, 1, NOON, None)
    assert sources(muster.inside(session, NOON, BERLIN)) == {"Ada": Source.AREA, "Bea": Source.AREA}


def test_who_agrees_to_access_only_and_who_has_no_name_are_listed_too(session: Session) -> None:
    eva, finn, gus = (add_person(session, name) for name in ("Eva", "Finn", "Gus"))
    for who, way in ((eva, Direction.UNKNOWN), (finn, Direction.OUT)):
        made = make_passage(TEN, person_id=who, direction=way, for_hours=False)
        events.record_passage(session, made)
    old = make_passage(NOON - muster.REACH - MINUTE, person_id=gus, direction=Direction.IN, for_hours=False)
    events.record_passage(session, old)
    for number, outcome in enumerate(("done", "unknown", "failed")):
        events.record_door_event(
            session, event_id=f"e{number}", passage_id=None, at=TEN, door=f"gate {outcome}", outcome=outcome, detail=""
        )
    alarms.raise_alarm(
        session, alarm_id="a1", kind="door forced", subject="cellar", severity="security", detail={}, at=NINE
    )

    found = muster.inside(session, NOON, BERLIN)

    assert sources(found) == {
        "Eva": Source.PASSAGE, "gate done": Source.DOOR, "gate unknown": Source.DOOR, "cellar": Source.FORCED,
    }  # fmt: skip
    assert sources(muster.inside(session, NOON, BERLIN, "Lab")) == {}


def test_a_muster_keeps_who_was_inside_until_they_are_met(sessions: Sessions) -> None:
    with sessions.begin() as session:
        ada, bea = add_person(session, "Ada"), add_person(session, "Bea")
        passage(session, ada, NINE, Direction.IN)
        passage(session, bea, NINE, Direction.IN)
        number = musters.begin(session, "otto", NOON)
        rows = muster.inside(session, NOON, BERLIN)
    muster.begin(sessions, number, rows)
    later = NOON + 5 * MINUTE
    with sessions.begin() as session:
        passage(session, ada, NOON + MINUTE, Direction.OUT)  # on her way out
        cid = add_person(session, "Cid")
        passage(session, cid, NOON + MINUTE, Direction.IN)
        assert musters.tick(session, number, f"person-{bea}", "otto", later)
        assert musters.tick(session, number, f"person-{bea}", "pia", later + MINUTE)  # the first one counts
        assert not musters.tick(session, number, f"person-{cid}", "otto", later)  # not written down yet

    with sessions.begin() as session:
        begun = musters.current(session)
        found = muster.listed(session, begun, later, BERLIN)
        assert [(one.row.name, one.safe_by, one.left) for one in found] == [
            ("Ada", None, True), ("Bea", "otto", False), ("Cid", None, False),
        ]  # fmt: skip
        assert muster.still_missing(found) == 2
        assert musters.tick(session, number, f"person-{bea}", None, None)
        assert muster.still_missing(muster.listed(session, begun, later, BERLIN)) == 3
        assert musters.end(session, number, "otto", later)
        assert not musters.end(session, number, "pia", later)

    with sessions.begin() as session:
        assert musters.forget_older_than(session, NOON) == 0
        assert musters.forget_older_than(session, later) == 1
        assert musters.rows(session, number) == []
