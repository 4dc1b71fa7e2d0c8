"""Store a drill and, if wanted, put its operating point in force, with its audit entry.

In: a report's content.  Out: the drill's number.
Does not know: how the drill was run.
Main choice: the counts are stored and not the trials; those are in the signed report.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attendance.domain.access.liveness.fusion import AUTO, Policy, point_of, policy_in_force
from attendance.service.audit.audit import Action, Actor, Subject, Value, record
from attendance.store.access import liveness
from attendance.store.session import Sessions
from attendance.store.settings import used_before_upgrade


def store_drill(
    sessions: Sessions, at: datetime, operator: str, content: Mapping[str, Any], apply: bool, choice: str
) -> tuple[int, Policy]:
    """Store the drill of `content`; return its number and the policy that follows at the camera.

    `apply`: its point is in force at the camera from the daemon's next start on.  `choice`: the settings' policy there.
    """
    found = content["point_found"]
    point = point_of(found) if apply and found is not None else None
    kept = ("rates", "rates_with_point_found", "enough", "missing", "begun", "finished", "point_in_force")
    result = {name: content[name] for name in kept} | {"point_found": found, "applied": point is not None}
    with sessions.begin() as session:
        number = liveness.add_drill(
            session,
            camera=content["camera"],
            model_id=content["model_id"],
            at=at,
            by=operator[:100],
            result=result,
            point=point,
        )
        drilled = liveness.point_at(session, content["camera"], content["model_id"]) is not None
        policy = policy_in_force(choice, drilled=drilled, upgraded=used_before_upgrade(session))
        detail: dict[str, Value] = {"drill": number, "enough": bool(content["enough"]), "applied": point is not None}
        if point is not None:
            detail |= {"live_from": round(point.live_from, 4), "slope": round(point.slope, 4)}
            detail |= {"policy": policy.value, "chosen": choice != AUTO}
        record(
            session,
            actor=Actor("command line", "liveness drill"),
            action=Action.APPLY_LIVENESS_POINT if point is not None else Action.RUN_LIVENESS_DRILL,
            at=at,
            subject=Subject("camera", content["camera"]),
            detail=detail,
        )
    return number, policy
