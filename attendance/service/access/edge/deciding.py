"""A door while the database is away: it decides by its copy of the rules, and keeps what it decided.

In: requests that could not be committed, and why.  Out: `Recorded`; a copy of the rules; a log that waits.
Does not know: how somebody was identified, cameras, drivers.
Main choice: the copy is made while the database answers.  A door uses it only if its own setting says so, and only for
as long as that says.  The same `decide` judges as with the database.  A decision is flushed to the log before the door
moves; what cannot be flushed is refused.  Trade-off: a withdrawal reaches such a door late, by the age at most, and
rules that need the present (anti-passback, occupancy, interlock, two people) refuse.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError

from attendance.domain.access.rules.decide import Mark, Outcome, Rule, Verdict, decide
from attendance.domain.access.rules.factors import Doubt
from attendance.domain.access.rules.people import agrees
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.snapshot import aged, from_plain, plain, to_plain
from attendance.domain.access.rules.state import State
from attendance.domain.passage import Method, Passage
from attendance.domain.people.consent import Purpose
from attendance.domain.reason import Reason
from attendance.service.access.doors import second_factor, unproven
from attendance.service.access.doors.judging import Judged, judged_passage, request_of, with_point
from attendance.service.access.edge.bringing_in import BringIn
from attendance.service.access.recording import Opening, Recorded, unlock_once
from attendance.service.alarms.alarms import NOBODY, Recipients, raise_and_notify
from attendance.service.ids import new_event_id
from attendance.service.ports import Clock, Door, age_since, doubt_about, mark_of
from attendance.store import settings
from attendance.store.access import policies, second_factors
from attendance.store.access.edge_files import PLACES, Forged, RecordLog, RulesFile
from attendance.store.crypto import Keys
from attendance.store.faults import DatabaseError, DatabaseReplaced
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

CHECK_S = 3.0  # so soon a change of the rules reaches the copy
ALARM = "forged rules"
_KEPT_FOR_GRANTS = PLACES // 4  # places of the log that refusals leave free
_SLACK = timedelta(seconds=2)  # a mark of the clock is rounded


@dataclass(frozen=True, slots=True)
class EdgeState:
    """`lasts`: for how long the copy decides, zero: not at all.  `since`: of the database's absence, None while it
    answers.  `waiting`: records that are not in the database yet.
    """

    lasts: timedelta
    since: datetime | None
    waiting: int


def is_away(error: BaseException) -> bool:
    """Return whether this fault says that the database cannot be used now, and not that it is another one."""
    if isinstance(error, DatabaseReplaced):
        return False
    return isinstance(error, DatabaseError | OperationalError | InterfaceError)


class _Strangers:
    """How often somebody was not identified here lately.  Ages in seconds of one clock that nobody can set."""

    def __init__(self) -> None:
        self._known, self._at = 0, 0.0
        self._since: list[float] = []

    def know(self, number: int, now: float) -> None:
        """Take over what the database counts; what was refused without it comes on top until it is brought in."""
        self._known, self._at, self._since = number, now, []

    def add(self, now: float) -> None:
        within = second_factor.FAILURES_WITHIN.total_seconds()
        self._since = [*(at for at in self._since if now - at < within), now][-second_factor.FAILURES :]

    def recent(self, now: float) -> int:
        within = second_factor.FAILURES_WITHIN.total_seconds()
        known = self._known if now - self._at < within else 0
        return known + sum(now - at < within for at in self._since)


class Edge:
    """One camera's door.  For several threads at once."""

    def __init__(
        self,
        sessions: Sessions,
        keys: Keys,
        clock: Clock,
        door: Door,
        camera: str,
        folder: Path,
        zone: tzinfo = UTC,
        cooldown: timedelta = timedelta(seconds=30),
        alarms_to: Recipients = NOBODY,
        pause: Callable[[], float] = monotonic,
    ) -> None:
        self._sessions, self._keys, self._clock, self._door = sessions, keys, clock, door
        self._camera, self._folder, self._zone, self._alarms_to = camera, folder, zone, alarms_to
        self._rules = RulesFile(keys, folder, camera)
        self._bring_in = BringIn(sessions, clock, door.name, zone, cooldown)
        self._log: RecordLog | None = None
        self._turn = threading.RLock()
        self._lasts = timedelta(0)
        self._unproven = True  # until the database says otherwise
        self._since: datetime | None = None
        self._written: object = None
        self._written_at, self._checked_at, self._now_s = 0.0, -CHECK_S, pause
        self._forged = 0
        self._strangers = _Strangers()
        self._trouble = ""

    @property
    def lasts(self) -> timedelta:
        """Return for how long the copy decides, as the door's setting said when the database answered last."""
        return self._lasts

    @property
    def state(self) -> EdgeState:
        kept = self._log
        return EdgeState(self._lasts, self._since, 0 if kept is None else kept.used)

    # --- while the database answers ---

    def tick(self) -> None:
        """Renew the copy if the rules changed or it grows old, and bring in what waits.  Never raises."""
        if self._now_s() - self._checked_at < CHECK_S:
            return
        self._checked_at = self._now_s()
        try:
            self._renew()
            self.bring_in()
            self._say("")
        except Exception as error:  # the database is away, or the disk is full: the copy grows old
            self._say(f"{type(error).__name__}: {error}")

    def bring_in(self) -> int:
        """Write what waits into the database, each record once; return how many passages were new.

        Raises what the database raises: then everything still waits.
        """
        if (kept := self._log) is None or not (kept.used or self._forged):
            return 0
        with self._turn:
            found = kept.read()
            forged = self._forged + found.forged
            if forged:
                log.error("camera %s: %d things beside the database were changed by somebody", self._camera, forged)
                with self._sessions.begin() as session:
                    raise_and_notify(session, ALARM, self._camera, {}, self._clock.now(), self._alarms_to)
            new = self._bring_in(found.records, self._since)
            kept.clear()  # only now: whatever happens before finds the same records again, and knows their ids
            self._forged, self._since = 0, None
        if new:
            log.info("camera %s: %d passages were brought into the database", self._camera, new)
        return new

    def bring_in_first(self) -> None:
        """Bring in what waits before another request is committed, so that the log keeps its order.

        Raises only if the database is away; what is wrong with the records must keep nobody out.
        """
        try:
            self.bring_in()
        except Exception as error:
            if is_away(error):
                raise
            self._say(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        with self._turn:
            if self._log is not None:
                self._log.close()
                self._log = None

    def _renew(self) -> None:
        """Read the rules, and write the copy where it must be another one."""
        with self._sessions() as session:
            rules = with_point(policies.load_rules(session, self._zone), self._camera)
            held = policies.overrides(session)
            fingerprint = (rules.version, settings.gallery_version(session), held)
            point = rules.points.get(self._camera)
            door = None if point is None else rules.doors.get(point.door)
            lasts = timedelta(seconds=0 if door is None else door.offline_s)
            self._unproven = unproven.raised(session, self._camera)
            since = self._clock.now() - second_factor.FAILURES_WITHIN
            self._strangers.know(second_factors.strangers(session, self._camera, since), self._now_s())
            old = self._now_s() - self._written_at >= lasts.total_seconds() / 5
            if not lasts or (fingerprint == self._written and not old):
                everybody = None
            else:
                everybody = policies.for_everybody(session, rules)
        if not lasts:
            self._switch_off()
        elif everybody is not None:
            self._write(everybody, fingerprint, lasts)

    def _write(self, policy: Policy, fingerprint: object, lasts: timedelta) -> None:
        point = policy.points.get(self._camera)
        face_is_for = Purpose.ACCESS if point is None else point.face_is_for
        # Who may not be recognised is left out: a copy holds no more about people than a decision needs.
        people = {number: one for number, one in policy.people.items() if one.enabled and agrees(one, face_is_for)}
        slim = replace(policy, people=people)
        at = self._clock.now()
        content = {"made_at": at.isoformat(), "mark": mark_of(self._clock), "rules": to_plain(slim)}
        with self._turn:
            if self._log is None:
                self._log = RecordLog(self._keys, self._folder, self._camera)
            self._rules.write(content)
            if not self._lasts:
                log.info("camera %s: a copy of the rules decides for %s without the database", self._camera, lasts)
            self._lasts, self._written, self._written_at = lasts, fingerprint, self._now_s()

    def _switch_off(self) -> None:
        """Leave no copy behind at a door that does not use it; what waits is still brought in."""
        with self._turn:
            self._lasts, self._written = timedelta(0), None
            self._rules.remove()
            if self._log is None and (self._folder / "passages").exists():
                self._log = RecordLog(self._keys, self._folder, self._camera)

    def _say(self, trouble: str) -> None:
        """Log changes, not repeats."""
        if trouble and trouble != self._trouble:
            log.warning("camera %s: the copy of the rules grows old: %s", self._camera, trouble)
        elif self._trouble and not trouble:
            log.info("camera %s: the copy of the rules is renewed again", self._camera)
        self._trouble = trouble

    # --- while it is away ---

    def record(self, passage: Passage, error: Exception) -> Recorded | None:
        """Decide a request that could not be committed because of `error`, keep it, and move the door.

        None if this door does not decide without the database, or the fault is of another kind.  Raises OSError or
        LogFull if the decision cannot be kept: then nothing moved.
        """
        if not self._lasts or not is_away(error):
            return None
        with self._turn:
            kept = self._log
            if kept is None:
                return None
            if self._since is None:
                self._since = self._clock.now()
                log.error("camera %s: the copy of the rules decides now: %s", self._camera, error)
            verdict, version = self._judge(passage)
            decided = judged_passage(passage, Judged(verdict, version))
            decided = replace(decided, clock_doubt=bool(doubt_about(self._clock)))
            if decided.granted or kept.used < PLACES - _KEPT_FOR_GRANTS:
                if decided.granted and not kept.room_for(2):
                    raise OSError("the log of passages is full, and nobody passes until the database answers")
                kept.append({"passage": plain(decided)})
            if not decided.granted:
                if decided.person_id is None:
                    self._strangers.add(self._now_s())
                return Recorded(decided)
            opening = unlock_once(self._door, verdict.seconds, decided.id)
            self._note(kept, decided, opening)
            return Recorded(decided, opening=opening, release_s=verdict.seconds)

    def _judge(self, passage: Passage) -> tuple[Verdict, int]:
        """Return the verdict of the copy, and the version of its rules; whatever is wrong with it refuses."""
        now = self._clock.now()
        request = request_of(passage, bool(doubt_about(self._clock)))
        request = replace(request, doubts=self._doubts(passage))
        try:
            policy = self._copy(now)
        except Forged as error:
            self._forged += 1
            self._written = None  # renewed at the next look
            log.error("camera %s: security: %s", self._camera, error)
            policy = None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("camera %s: the copy of the rules cannot be read: %s", self._camera, error)
            policy = None
        if policy is None:
            marks = frozenset({Mark.OFFLINE})
            return Verdict(Outcome.DENY, Reason.STALE_POLICY, Rule.POLICY_AGE.value, marks=marks), 0
        return decide(policy, State(), request, now), policy.version

    def _doubts(self, passage: Passage) -> frozenset[Doubt]:
        """Return why one factor may not be enough, as it would be with the database."""
        found = set(second_factor.of_scores(passage))
        if self._unproven and passage.method is Method.FACE:
            found.add(Doubt.UNPROVEN_WEIGHTS)
        if self._strangers.recent(self._now_s()) >= second_factor.FAILURES:
            found.add(Doubt.REPEATED_FAILURES)
        return frozenset(found)

    def _copy(self, now: datetime) -> Policy | None:
        """Return the rules of the file with their age, None without a file or for a door that does not use it."""
        content = self._rules.read()
        if content is None:
            return None
        policy = from_plain(content["rules"], self._zone)
        point = policy.points.get(self._camera)
        door = None if point is None else policy.doors.get(point.door)
        age = age_since(self._clock, str(content["mark"]), datetime.fromisoformat(content["made_at"]))
        if age is not None:
            age = None if age < -_SLACK else max(age, timedelta(0))
        return aged(policy, age, now, timedelta(seconds=0 if door is None else door.offline_s))

    def _note(self, kept: RecordLog, passage: Passage, opening: Opening) -> None:
        at = self._clock.now()
        event: dict[str, Any] = {
            "id": new_event_id(at),
            "passage": passage.id,
            "at": at.isoformat(),
            "door": self._door.name,
            "outcome": opening.outcome,
            "detail": opening.detail[:200],
        }
        try:
            kept.append({"door": event})
        except Exception:  # the door has moved already; what it did is noted as unknown
            log.exception("cannot keep what door %s did for passage %s", self._door.name, passage.id)
