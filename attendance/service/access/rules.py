"""The settings of one camera's or tablet's decisions.

In: `Settings`.  Out: `Rules`.
Does not know: how a decision is made.
Main choice: one place for doors and tablets, so that a tablet cannot decide by other rules than the
door; it only gets more time, since it sends fewer frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta, tzinfo

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import Policy
from attendance.domain.passage import Direction
from attendance.service.access.liveness.gate import LivenessRules
from attendance.service.alarms.alarms import NOBODY, Recipients

# Longer than two of a slow tablet's frames, shorter than one person takes to make room for the next.
_FORGET = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of one camera's check-in.

    `fault_every`: how often one lasting fault is recorded.  `static_detection`: for how long a false face that
    does not change is left out after its first refusal; zero records it every time.  `window`: of looks that are
    compared one by one.  `refused_attempts` of one face within `refused_within`: it then waits; 0: never.
    `challenge_steps`: how many movements are asked for, where that is done, within `challenge_limit`.
    """

    camera: str
    direction: Direction = Direction.UNKNOWN
    frames_needed: int = 3
    window: timedelta = timedelta(seconds=2)
    settle_denial: timedelta = timedelta(seconds=1.5)
    forget: timedelta = timedelta(seconds=2)
    cooldown: timedelta = timedelta(seconds=30)
    zone: tzinfo = UTC
    max_faces: int = 5
    poll_every: timedelta = timedelta(seconds=1)
    stale_after: timedelta = timedelta(seconds=30)
    fault_every: timedelta = timedelta(seconds=60)
    static_detection: timedelta = timedelta(hours=1)
    refused_attempts: int = 5
    refused_within: timedelta = timedelta(minutes=5)
    challenge_steps: int = 2
    challenge_limit: timedelta = timedelta(seconds=12)
    alarms_to: Recipients = NOBODY


def rules_for(settings: Settings) -> Rules:
    """Of the settings' camera."""
    decision = settings.decision
    return Rules(
        camera=settings.camera.name,
        direction=Direction(settings.camera.direction),
        frames_needed=decision.frames_needed,
        window=timedelta(seconds=decision.window_s),
        settle_denial=timedelta(seconds=decision.settle_denial_s),
        forget=timedelta(seconds=decision.forget_s),
        cooldown=timedelta(seconds=decision.cooldown_s),
        static_detection=timedelta(seconds=decision.static_detection_s),
        refused_attempts=decision.refused_attempts,
        refused_within=timedelta(seconds=decision.refused_within_s),
        zone=settings.site.zone,
        max_faces=settings.detector.max_faces,
        challenge_steps=settings.liveness.challenge_steps,
        challenge_limit=timedelta(seconds=settings.liveness.challenge_s),
        alarms_to=Recipients.of(settings.alarms, settings.mail.host),
    )


def liveness_rules_for(settings: Settings, policy: Policy) -> LivenessRules:
    """Of one camera or tablet, with the policy in force there."""
    liveness = settings.liveness
    return LivenessRules(
        policy=policy,
        every=liveness.every,
        most_looks=liveness.looks,
        wait=timedelta(seconds=liveness.wait_s),
        forget=timedelta(seconds=settings.decision.forget_s),
        refused_most=settings.decision.refused_attempts,
        refused_within=timedelta(seconds=settings.decision.refused_within_s),
    )


def drill_rules_for(settings: Settings) -> LivenessRules:
    """Of a drill at the settings' camera: as where a door refuses, so that an unclear answer waits for more looks."""
    return liveness_rules_for(settings, Policy.REFUSE)


def kiosk_rules_for(settings: Settings) -> Rules:
    """Of tablets; camera and direction are each tablet's own."""
    rules = rules_for(settings)
    window = max(rules.window, timedelta(seconds=settings.kiosk.window_s))
    return replace(rules, window=window, forget=max(rules.forget, _FORGET))
