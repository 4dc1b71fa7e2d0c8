"""The decisions of a camera's daemon, for a screen beside the camera.

In: the database in which the daemon writes; the clock.  Out: `Answer`s, each with its passage's id.
Does not know: HTTP, how the news gets to the screen, the daemon.
Main choice: the screen reads the passages table again and again and has no second line to the daemon, so
that it shows what is recorded and nothing else.  Trade-off: a third of a second, and no hints.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.passage import Passage
from attendance.service.kiosk import answers
from attendance.service.kiosk.answers import Answer
from attendance.service.ports import Clock
from attendance.store.access import challenges, events
from attendance.store.enrolment import camera_enrolments
from attendance.store.people import people
from attendance.store.session import Sessions

# Older news would greet somebody who has left; younger ones may come in any order (two people in one picture).
RECENT = timedelta(seconds=10)
MOST = 20


class Screen:
    """What one screen reads; not for several threads at once.  `after`: the id that it has seen last."""

    def __init__(self, sessions: Sessions, clock: Clock, zone: ZoneInfo, camera: str, after: str = "") -> None:
        self._sessions, self._clock, self._zone, self._camera = sessions, clock, zone, camera
        self._after = after
        self._shown: set[str] = set()
        self._guided: Answer | None = None

    def guidance(self) -> Answer | None:
        """Return what to do at the camera, whenever that changes: photos are taken, or somebody is asked to move.

        None if it did not change.
        """
        now = self._clock.now()
        with self._sessions() as session:
            standing = camera_enrolments.of_camera(session, self._camera, now)
            name = None if standing is None else people.get_person(session, standing.person_id).name
            asked = challenges.asked_at(session, self._camera, now) if standing is None else None
        guided = None if standing is None or name is None else answers.guide_photos(standing, name)
        if asked is not None:
            guided = answers.ask_to_move(asked, now)
        before, self._guided = self._guided, guided
        if guided is None and before is not None:
            return answers.photos_taken() if before.challenge is None else Answer("idle")
        # The browser counts the seconds by itself.
        same = before is not None and guided is not None and replace(before, left_ms=0) == replace(guided, left_ms=0)
        return None if same else guided

    def news(self) -> list[tuple[str, Answer]]:
        """Return what happened since the last call, oldest first, each passage once."""
        with self._sessions() as session:
            since = self._clock.now() - RECENT
            views = events.list_passages(session, camera=self._camera, since=since, limit=MOST)
            passages = [view.passage for view in reversed(views)]
            fresh = [passage for passage in passages if passage.id not in self._shown and passage.id > self._after]
            news = [(passage.id, answer) for passage in fresh if (answer := self._answer(session, passage)) is not None]
        self._shown = {passage.id for passage in passages}
        return news

    def _answer(self, session: Session, passage: Passage) -> Answer | None:
        """Return the refusal or the greeting; None if nobody is to be greeted."""
        if not passage.granted:
            return answers.refused(passage.reason, passage.method)
        now = self._clock.now()
        first = None if passage.repeat_of is None else events.get_passage(session, passage.repeat_of)
        if first is None or events.is_void(session, first.passage.id):
            return answers.greet(session, passage, self._zone, now)
        return answers.greet(session, first.passage, self._zone, now, repeat=True)
