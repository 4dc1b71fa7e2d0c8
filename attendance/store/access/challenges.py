"""What people were asked to do before a camera: for the screen beside it, and as part of the decision.

In: a session, a `Progress`.  Out: rows; what is asked at a camera now; what was asked before a passage.
Does not know: how a movement is judged, words.
Main choice: the row is the one line from a daemon to the screens, as passages are, so that nothing is shown that is
not stored.  Trade-off: some small writes for each challenge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from attendance.domain.access.liveness.challenge import Ended, Hint, Progress, Step, summary
from attendance.store.tables.cameras import LivenessChallenge


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge that goes on.  `number`: of the step, from 0."""

    id: str
    steps: tuple[Step, ...]
    number: int
    ends_at: datetime
    hint: Hint | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A challenge as it is stored with a decision."""

    steps: tuple[Step, ...]
    done: tuple[dict[str, Any], ...]
    ended: Ended
    why: str
    asked_at: datetime


def put(session: Session, progress: Progress, why: str) -> None:
    """Store a challenge that begins; what a stopped daemon left behind at this camera is deleted.

    `why`: "rule" or "doubt".
    """
    challenge = progress.challenge
    left = LivenessChallenge.camera == challenge.camera, LivenessChallenge.ended.is_(None)
    session.execute(delete(LivenessChallenge).where(*left))
    session.add(
        LivenessChallenge(
            id=challenge.id,
            camera=challenge.camera,
            asked_at=challenge.asked_at,
            ends_at=challenge.ends_at,
            steps=[step.value for step in challenge.steps],
            why=why,
        )
    )
    session.flush()


def note(session: Session, progress: Progress) -> None:
    """Store how far a challenge is, for the screen."""
    _change(session, progress, hint=None if progress.hint is None else progress.hint.value)


def end(session: Session, progress: Progress, passage_id: str | None) -> None:
    """Store how a challenge ended, together with the passage that follows from it."""
    _change(session, progress, ended=None if progress.ended is None else progress.ended.value, passage_id=passage_id)


def _change(session: Session, progress: Progress, **values: Any) -> None:
    session.execute(
        update(LivenessChallenge)
        .where(LivenessChallenge.id == progress.challenge.id, LivenessChallenge.ended.is_(None))
        .values(done=summary(progress.done), **values)
    )


def decline(session: Session, challenge_id: str, camera: str) -> bool:
    """Note that the person prefers a PIN or badge; False unless this challenge goes on at this camera."""
    changed = session.execute(
        update(LivenessChallenge)
        .where(
            LivenessChallenge.id == challenge_id,
            LivenessChallenge.camera == camera,
            LivenessChallenge.ended.is_(None),
        )
        .values(declined=True)
        .returning(LivenessChallenge.id)
    )
    return changed.first() is not None


def is_declined(session: Session, challenge_id: str) -> bool:
    """Return whether the person prefers a PIN or badge."""
    return bool(session.scalar(select(LivenessChallenge.declined).where(LivenessChallenge.id == challenge_id)))


def asked_at(session: Session, camera: str, now: datetime) -> Asked | None:
    """Return what is asked at this camera now."""
    query = (
        select(LivenessChallenge)
        .where(LivenessChallenge.camera == camera, LivenessChallenge.ended.is_(None))
        .where(LivenessChallenge.ends_at > now, LivenessChallenge.declined.is_(False))
        .order_by(LivenessChallenge.asked_at.desc())
        .limit(1)
    )
    row = session.scalars(query).first()
    if row is None or len(row.done) >= len(row.steps):
        return None
    hint = None if row.hint is None else Hint(row.hint)
    return Asked(row.id, tuple(map(Step, row.steps)), len(row.done), row.ends_at, hint)


def of_passages(session: Session, passage_ids: Sequence[str]) -> dict[str, Kept]:
    """Return what was asked before these passages were decided; nothing about those without a challenge."""
    query = select(LivenessChallenge).where(
        LivenessChallenge.passage_id.in_(passage_ids), LivenessChallenge.ended.is_not(None)
    )
    return {row.passage_id: _kept(row) for row in session.scalars(query) if row.passage_id is not None}


def forget_before(session: Session, before: datetime) -> None:
    """Delete challenges that belong to no passage, such as those of a daemon that stopped."""
    session.execute(
        delete(LivenessChallenge).where(LivenessChallenge.passage_id.is_(None), LivenessChallenge.asked_at < before)
    )


def _kept(row: LivenessChallenge) -> Kept:
    assert row.ended is not None
    return Kept(tuple(map(Step, row.steps)), tuple(row.done), Ended(row.ended), row.why, row.asked_at)
