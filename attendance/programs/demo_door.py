"""The demo's scenes at a door: left open, alarmed, opened by an operator, and closed to somebody by the schedule.

In: a site, whose daemon watches a video at the same time.  Out: lines on standard output; what did not happen.
Does not know: faces, videos.
Main choice: the door is a device on this computer that speaks as a Shelly, moved by the real driver; whoever leaves it
open and whoever operates it is played by a thread, through the same services as the pages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic, sleep

from sqlalchemy.orm import Session

from attendance.bootstrap import Installation
from attendance.console import say
from attendance.domain.access.rules.doors import Mode
from attendance.domain.access.rules.schedule import Day, Week, Window
from attendance.domain.reason import Reason
from attendance.programs.loopback_door import LoopbackDoor
from attendance.service.access.doors import stored_settings
from attendance.service.access.policy import door_rows, editing, holding
from attendance.service.alarms import kinds
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.store.access import doors, policies
from attendance.store.access.events import PassageView
from attendance.store.alarms import alarms
from attendance.store.people import people

ACTOR = Actor("command line", "demo")
OPEN_TOO_LONG_S = 2.0
LOOK_S = 0.2
HELD = "door held"


class DoorScenes:
    """`begin` plays the scenes in a thread until they are over or `end`; `seen` names those that happened."""

    def __init__(self, site: Installation, camera: str) -> None:
        self._site, self._device = site, LoopbackDoor()
        self.seen: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play, name="scenes at the door", daemon=True)
        now = site.clock.now()
        with site.sessions.begin() as session:
            self._door = doors.list_doors(session)[0].id
            driver = {"address": self._device.address, "contact": "open", "contact_input": 0}
            sealed = stored_settings.sealed(site.keys, self._door, "shelly", driver)
            doors.set_driver(session, self._door, "shelly", sealed, now)
            times = {"open_too_long_s": OPEN_TOO_LONG_S, "prealarm_s": 1.0, "contact": True}
            door_rows.change(session, self._door, "Front door", times, now)
            door_rows.move_point(session, camera, self._door, now)

    def only_later(self, name: str) -> str:
        """Let this person pass at another time of the day only; return that time in words."""
        site, now = self._site, self._site.clock.now()
        local = now.astimezone(site.settings.site.zone)
        week = week_of(away_from(local))
        with site.sessions.begin() as session:
            (person,) = people.search_people(session, name, limit=1)
            for level in policies.load_rules(session, site.settings.site.zone).levels:
                for grant in editing.granted(session, level):
                    if grant.person == person.id:
                        editing.take(session, level, grant.id, now)
            schedule = editing.save_schedule(session, None, "Other shift", week, now)
            level = editing.save_level(session, None, "Other shift", now)
            editing.add_entry(session, level, self._door, "", schedule, now)
            editing.give(session, level, person.id, "", valid_from=None, valid_to=None, by=ACTOR.name, at=now)
        (window,) = week[0]
        return f"{window.start // 60:02}:00 to {window.end // 60:02}:00"

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop what still goes on, and close the device."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(10)
        self._device.close()

    def missing(self, decided: list[PassageView], name: str) -> list[str]:
        """Return what should have happened and did not."""
        wrong = [f"at the door, {scene} did not happen" for scene in SCENES if scene not in self.seen]
        refused = [view for view in decided if view.passage.reason is Reason.OUTSIDE_SCHEDULE]
        if not any(view.person_name == name for view in refused):
            wrong.append(f"{name} was not refused by the schedule")
        return wrong

    def _play(self) -> None:
        if not self._until(lambda: len(self._device.pulses) > 0):
            return
        self._device.is_open = True
        self._scene(OPENED, "the lock was released; somebody holds the door open for a colleague and leaves it so")
        if not self._until(lambda: self._held() is not None):
            return
        self._scene(ALARMED, f"alarm: {self._held()}")
        self._operator(self._acknowledge)
        self._device.is_open = False
        self._scene(ACKNOWLEDGED, "an operator acknowledges the alarm and closes the door")
        if not self._until(lambda: self._held() is None):
            return
        self._scene(CLEARED, "the alarm is over: the door is closed")
        before = len(self._device.pulses)
        self._operator(self._unlock)
        if self._until(lambda: len(self._device.pulses) > before):
            self._scene(OPERATED, "an operator opens the door for a delivery, with a reason and an end")
        self._operator(self._release)

    def _scene(self, scene: str, words: str) -> None:
        self.seen.append(scene)
        say(f"   at the door: {words}")

    def _until(self, true: Callable[[], bool], seconds: float = 60.0) -> bool:
        ends = monotonic() + seconds
        while not self._over.is_set() and monotonic() < ends:
            if true():
                return True
            sleep(LOOK_S)
        return False

    def _held(self) -> str | None:
        with self._site.sessions() as session:
            found = [alarm for alarm in alarms.open_alarms(session) if alarm.kind == HELD]
        return kinds.title(HELD, found[0].subject, found[0].detail) if found else None

    def _operator(self, act: Callable[[Session, datetime], None]) -> None:
        with self._site.sessions.begin() as session:
            act(session, self._site.clock.now())

    def _acknowledge(self, session: Session, now: datetime) -> None:
        for alarm in alarms.open_alarms(session):
            if alarm.kind == HELD and alarms.acknowledge(session, alarm.id, by=ACTOR.name, at=now) is not None:
                subject = Subject("alarm", alarm.id)
                audit.record(session, actor=ACTOR, action=Action.ACKNOWLEDGE_ALARM, subject=subject, at=now)

    def _unlock(self, session: Session, now: datetime) -> None:
        until, reason = now + timedelta(minutes=5), "delivery"
        holding.hold(session, self._door, Mode.UNLOCK, reason=reason, until=until, by=ACTOR.name, at=now)
        subject, detail = Subject("door", self._door), {"mode": Mode.UNLOCK.value, "reason": reason}
        audit.record(session, actor=ACTOR, action=Action.HOLD_DOOR, subject=subject, detail=detail, at=now)

    def _release(self, session: Session, now: datetime) -> None:
        for held in holding.holding(session, now):
            holding.end(session, held.id, reason="the delivery is over", by=ACTOR.name, at=now)
            subject, detail = Subject("door", self._door), {"act": held.id}
            audit.record(session, actor=ACTOR, action=Action.RELEASE_DOOR, subject=subject, detail=detail, at=now)


OPENED, ALARMED, ACKNOWLEDGED = "a door left open", "the alarm", "its acknowledgement"
CLEARED, OPERATED = "the end of the alarm", "the opening by an operator"
SCENES = (OPENED, ALARMED, ACKNOWLEDGED, CLEARED, OPERATED)


def away_from(local: datetime) -> Window:
    """Return two hours of the day that the next hours do not reach."""
    return Window(120, 240) if local.hour >= 12 else Window(1080, 1200)


def week_of(window: Window) -> Week:
    day: Day = (window,)
    return (day,) * 7
