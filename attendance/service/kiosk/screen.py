"""What a camera's daemon decided, for a screen beside it.

In: the database in which the daemon writes; the clock.  Out: `Answer`s, each with its passage's id.
Does not know: HTTP, how the news gets to the screen, the daemon.
Main choice: the passages table is read again and again and no second line to the daemon is kept, so
that a screen shows what stands on record and nothing else.  The price: a third of a second, and what
is not recorded (a hint, somebody who came a second time within the cooldown) is not shown.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.passage import Passage
from attendance.service.access.reason_texts import kiosk_refusal
from attendance.service.hours import days
from attendance.service.kiosk.kiosk import WAYS, Answer, seconds_today
from attendance.service.kiosk.messages import first_name, greeting, hours
from attendance.service.ports import Clock
from attendance.store.access import events
from attendance.store.people import people
from attendance.store.session import Sessions

# Older news would greet somebody who has left; younger ones may come in any order (two people in one picture).
RECENT = timedelta(seconds=10)
MOST = 20


class Screen:
    """One screen's reading; not for several threads at once.  `after`: the id that it has seen last."""

    def __init__(self, sessions: Sessions, clock: Clock, zone: ZoneInfo, camera: str, after: str = "") -> None:
        self._sessions, self._clock, self._zone, self._camera = sessions, clock, zone, camera
        self._after = after
        self._told: set[str] = set()

    def news(self) -> list[tuple[str, Answer]]:
        """What happened since the last call, oldest first, each passage once."""
        with self._sessions() as session:
            since = self._clock.now() - RECENT
            found = events.list_passages(session, camera=self._camera, since=since, limit=MOST)
            fresh = [
                view.passage
                for view in reversed(found)
                if view.passage.id not in self._told and view.passage.id > self._after
            ]
            told = [(one.id, answer) for one in fresh if (answer := self._say(session, one)) is not None]
        self._told = {view.passage.id for view in found}
        return told

    def _say(self, session: Session, passage: Passage) -> Answer | None:
        """None for somebody who was erased since."""
        if not passage.granted:
            words, advice = kiosk_refusal(passage.reason)
            return Answer("refused", words, advice)
        person = None if passage.person_id is None else people.active_person(session, passage.person_id)
        if person is None:
            return None
        sense = days.next_inference(session, person.id, passage.at, self._zone, passage.direction).sense
        local = passage.at.astimezone(self._zone)
        return Answer(
            "greet",
            greeting(person.name, sense, local.hour, repeat=False),
            f"{WAYS.get(sense, 'Noted')} at {local:%H:%M}",
            name=first_name(person.name),
            today=hours(seconds_today(session, person.id, self._zone, self._clock.now())),
            sense=sense.value,
        )
