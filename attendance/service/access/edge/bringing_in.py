"""Bringing what a door decided without the database into it, each record once.

In: the records of a log.  Out: passages and door events.
Does not know: files, how a door decided.
Main choice: ids made where the event happened tell what is there already, so that a crash at any moment doubles
nothing; what the door did is noted as unknown where no record says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.access.rules.snapshot import built, kinds_of
from attendance.domain.passage import Passage
from attendance.domain.people.consent import Purpose, allows
from attendance.service.access.doors.judging import DoorRules, take_place
from attendance.service.access.recording import repeated
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.ids import new_event_id
from attendance.service.ports import Clock
from attendance.store.access import events, present
from attendance.store.session import Sessions
from attendance.store.tables.people import Person

AT_ONCE = 50  # passages of one transaction, each a few rows
LOST = "the program stopped before it noted what the door did"


class BringIn:
    """Called with records; returns how many passages were new."""

    def __init__(self, sessions: Sessions, clock: Clock, door: str, zone: tzinfo, cooldown: timedelta) -> None:
        self._sessions, self._clock, self._door = sessions, clock, door
        self._rules, self._cooldown = DoorRules(zone), cooldown

    def __call__(self, records: Sequence[Mapping[str, Any]], since: datetime | None) -> int:
        """Write them in their order.  `since`: when the database went away, if that is known."""
        passages = [_passage_of(record["passage"]) for record in records if "passage" in record]
        doors = {record["door"]["passage"]: record["door"] for record in records if "door" in record}
        new = 0
        for start in range(0, len(passages), AT_ONCE):
            part = passages[start : start + AT_ONCE]
            with self._sessions.begin() as session:
                written = [one for one in part if self._passage(session, one, doors.get(one.id))]
                if written:
                    self._audit(session, written, since)
            new += len(written)
        return new

    def _passage(self, session: Session, passage: Passage, door: Mapping[str, Any] | None) -> bool:
        """Write a passage and what the door did; False if it is there already, from an import that was cut."""
        view = events.get_passage(session, passage.id)
        if view is None:
            self._write(session, passage)
        if passage.granted and (view is None or view.door is None):
            at = self._clock.now() if door is None else datetime.fromisoformat(door["at"])
            events.record_door_event(
                session,
                event_id=new_event_id(at) if door is None else door["id"],
                passage_id=passage.id,
                at=at,
                door=self._door if door is None else door["door"],
                outcome="unknown" if door is None else door["outcome"],
                detail=LOST if door is None else door["detail"],
            )
        return view is None

    def _write(self, session: Session, passage: Passage) -> None:
        person = None if passage.person_id is None else session.get(Person, passage.person_id)
        if person is None:
            passage = replace(passage, person_id=None)  # erased meanwhile: the passage stays without a name
        elif passage.granted:
            earlier = repeated(session, passage, self._cooldown)
            point = self._rules.point(session, passage.camera)
            agreed = allows(passage.method, Purpose.ATTENDANCE, person.agreed)
            counts = agreed and not person.visitor and (point is None or Purpose.ATTENDANCE in point.purposes)
            passage = replace(passage, repeat_of=None if earlier is None else earlier.id, for_hours=counts)
        events.record_passage(session, passage)
        if passage.granted and passage.door_id is not None and passage.person_id is not None:
            place = present.place_of(session, passage.person_id).get(passage.person_id)
            if place is None or place.since < passage.at:
                take_place(session, self._rules.rules(session), passage)

    def _audit(self, session: Session, written: Sequence[Passage], since: datetime | None) -> None:
        audit.record(
            session,
            actor=Actor("system", "daemon"),
            action=Action.IMPORT_OFFLINE,
            subject=Subject("camera", written[0].camera),
            detail={
                "passages": len(written),
                "granted": sum(one.granted for one in written),
                "from": (since or written[0].at).isoformat(),
            },
            at=self._clock.now(),
        )


def _passage_of(values: Mapping[str, Any]) -> Passage:
    """Return a passage that this or another version wrote: it must not be lost for a field more or less."""
    kinds = kinds_of(Passage)
    return Passage(**{name: built(kinds[name], value) for name, value in values.items() if name in kinds})
