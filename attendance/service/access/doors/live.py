"""A door as it is watched: its live state for the pages, its alarms, and whoever wants to hear what happens.

In: a door, looks at it, grants.  Out: a row of live state, alarms raised and ended, happenings for listeners.
Does not know: how often somebody looks (`daemon/doors/watcher`), devices, who reads.
Main choice: the window in which opening is allowed begins before the device is asked, so that an opening is never
called forced because an answer was slow.  Alarms are compared with those that are open, and not counted by events, so
that a daemon that dies and comes back leaves none behind.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.access import door_state
from attendance.domain.access.door_state import DoorAlarm, DoorState, Happening, Inputs, Timings
from attendance.service.alarms.alarms import NOBODY, Recipients, clear_and_notify, raise_and_notify
from attendance.service.ports import Clock, Door, DoorFault, Pulse, PulseOutcome
from attendance.store.access import door_states
from attendance.store.alarms import alarms
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

BEAT_S = 15.0  # the row's sign of life
# Kinds of `service/alarms/kinds`.  The pre-alarm is for the door's page only: it mails nobody.
ALARM_KINDS: Mapping[DoorAlarm, str] = {
    DoorAlarm.FORCED: "door forced",
    DoorAlarm.HELD: "door held",
    DoorAlarm.TAMPER: "door tamper",
    DoorAlarm.FIRE: "door fire",
    DoorAlarm.OFFLINE: "door offline",
}

Listener = Callable[[Happening, datetime], None]
# Write down, in the caller's transaction, that a passage was taken at this instant, or not.
NoteTaken = Callable[[Session, str, bool, datetime], object]


def timings_of(values: Mapping[str, Any]) -> Timings:
    """Return a door's times by its driver's settings: without an exit button nobody knows why a door was opened."""
    wired = [values.get(name) for name in ("exit_input", "exit_pin", "exit_sensor")]
    seen = any(one not in (None, "", -1) for one in wired)
    return Timings(watch_forced=seen)


class LiveDoor:
    """A `Door` that knows what it does.  For several threads: one looks, others unlock.

    `stands_open`: whether a rule or an operator keeps it unlocked now.  `note_taken`: is called with the row's own
    write, again if that fails.  Listeners must be quick and not raise.
    """

    def __init__(
        self,
        door: Door,
        sessions: Sessions,
        clock: Clock,
        timings: Timings,
        alarms_to: Recipients = NOBODY,
        stands_open: Callable[[], bool] = lambda: False,
        note_taken: NoteTaken | None = None,
    ) -> None:
        self._door, self._sessions, self._clock = door, sessions, clock
        self._timings, self._alarms_to, self._stands_open = timings, alarms_to, stands_open
        self._note_taken = note_taken
        self._unnoted: list[tuple[str, bool, datetime]] = []
        self._lock = threading.Lock()
        self._state = DoorState()
        self._since = clock.now()
        self._notes: Sequence[str] = ()
        self._written: DoorState | None = None
        self._written_at = 0.0
        self._trouble = ""
        self._pulse_until = 0.0
        self.listeners: list[Listener] = []

    # --- the door ---

    @property
    def name(self) -> str:
        return self._door.name

    @property
    def pulse_in_device(self) -> bool:
        return self._door.pulse_in_device

    @property
    def readable(self) -> bool:
        return self._door.readable

    @property
    def state(self) -> DoorState:
        return self._state

    @property
    def unlocked(self) -> bool:
        """Return whether the lock is released: as the device says, or for as long as the newest pulse lasts."""
        return bool(self._state.unlocked) or monotonic() < self._pulse_until

    def unlock(self, seconds: float, passage: str = "") -> Pulse:
        """Open the window of a grant, then ask the device; a refusal takes back what nobody used."""
        before = self._state
        self._step(lambda state, now: door_state.granted(state, passage, seconds, self._timings, now))
        pulse = self._door.unlock(seconds, passage)
        if pulse.done:
            self._pulse_until = monotonic() + seconds
        if pulse.outcome is PulseOutcome.REFUSED:
            with self._lock:
                left = tuple(one for one in self._state.pending if one != passage)
                until = self._state.allowed_until if left else before.allowed_until
                self._state = replace(self._state, pending=left, allowed_until=until)
        return pulse

    def prepare(self) -> Sequence[str]:
        self._notes = self._door.prepare()
        return self._notes

    def inputs(self) -> Inputs:
        return self._door.inputs()

    def close(self) -> None:
        self._door.close()

    # --- watching ---

    def look(self) -> bool:
        """Look once, tell the listeners, write what changed; return whether the device answered.  Never raises."""
        try:
            inputs = self._door.inputs()
        except DoorFault as error:
            if str(error) != self._trouble:
                log.error("door %s does not answer: %s", self.name, error)
            self._trouble = str(error)
            self._step(lambda state, _now: door_state.lost(state))
        else:
            if self._trouble:
                log.info("door %s answers again", self.name)
            self._trouble = ""
            opened = self._stands_open()
            self._step(lambda state, now: door_state.seen(state, inputs, self._timings, now, opened))
        self._write()
        return not self._trouble

    def _step(self, step: Callable[[DoorState, float], door_state.Step]) -> None:
        with self._lock:
            before = self._state.contact
            self._state, happened = step(self._state, monotonic())
            if self._state.contact is not before:
                self._since = self._clock.now()
        at = self._clock.now()
        for one in happened:
            self._say(one)
            if one.passage is not None and self._note_taken is not None:
                with self._lock:
                    self._unnoted.append((one.passage, one.what is door_state.Happened.TAKEN, at))
            for listener in self.listeners:
                listener(one, at)

    def _say(self, one: Happening) -> None:
        if one.alarm is not None:
            words = "raised" if one.what is door_state.Happened.RAISED else "over"
            log.warning("door %s: %s %s%s", self.name, one.alarm.value, words, " (muted by fire)" if one.muted else "")
        else:
            log.info("door %s: %s", self.name, one.what.value)

    def _write(self) -> None:
        """Write the row if it changed, or as a sign of life; and make the open alarms those that there are."""
        state, now = self._state, monotonic()
        shown = replace(state, opened_at=None, allowed_until=None, pending=(), open_too_long_s=0.0)
        with self._lock:
            taken = tuple(self._unnoted)
        if not taken and shown == self._written and now - self._written_at < BEAT_S:
            return
        try:
            at = self._clock.now()
            with self._sessions.begin() as session:
                door_states.put_state(
                    session,
                    self.name,
                    state,
                    at=at,
                    since=self._since,
                    pulse_in_device=self.pulse_in_device,
                    notes=self._notes,
                )
                if self._written is None or shown.alarms != self._written.alarms:
                    self._compare_alarms(session, state, at)
                for passage, was_taken, when in taken:
                    if self._note_taken is not None:
                        self._note_taken(session, passage, was_taken, when)
        except Exception as error:  # the database is away; the next look writes it
            log.warning("what door %s does cannot be written: %s", self.name, error)
            return
        self._written, self._written_at = shown, now
        with self._lock:
            del self._unnoted[: len(taken)]

    def _compare_alarms(self, session: Session, state: DoorState, at: datetime) -> None:
        wanted = {ALARM_KINDS[alarm]: alarm for alarm in state.alarms if alarm in ALARM_KINDS}
        there = {alarm.kind for alarm in alarms.open_alarms(session) if alarm.subject == self.name}
        for kind, alarm in wanted.items():
            if kind not in there:
                muted = alarm not in state.audible
                raise_and_notify(session, kind, self.name, {"muted": muted}, at, self._alarms_to)
        for kind in there & (set(ALARM_KINDS.values()) - wanted.keys()):
            clear_and_notify(session, kind, self.name, at, self._alarms_to)
