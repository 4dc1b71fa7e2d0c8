"""The settings of one camera's or tablet's decisions.

In: `Settings`.  Out: `Rules`.
Does not know: how a decision is made.
Main choice: one place for doors and tablets, so that a tablet cannot decide by other rules than the
door; it only gets more time, since it sends fewer frames.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import Policy
from attendance.domain.passage import Direction
from attendance.service.access.check_in import Rules
from attendance.service.access.liveness.gate import LivenessRules
from attendance.service.alarms.alarms import Recipients

# Longer than two of a slow tablet's frames, shorter than one person takes to make room for the next.
_FORGET = timedelta(seconds=3)


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
    )


def drill_rules_for(settings: Settings) -> LivenessRules:
    """Of a drill at the settings' camera: as where a door refuses, so that an unclear answer waits for more looks."""
    return liveness_rules_for(settings, Policy.REFUSE)


def kiosk_rules_for(settings: Settings) -> Rules:
    """Of tablets; camera and direction are each tablet's own."""
    rules = rules_for(settings)
    window = max(rules.window, timedelta(seconds=settings.kiosk.window_s))
    return replace(rules, window=window, forget=max(rules.forget, _FORGET))
