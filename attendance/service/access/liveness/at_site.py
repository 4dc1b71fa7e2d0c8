"""What liveness costs living people and what it holds off, camera by camera, for the threshold page.

In: a session, the network's name, the settings' policies.  Out: the newest drill of each camera in plain numbers; how
many passages of late did not look alive.
Does not know: pages.
Main choice: a drill's rates are shown as they were measured, by the point that is in force now.  If that point came
from the same trials, the row says so, because such rates flatter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.access.liveness.fusion import Policy, Verdict
from attendance.store.access import liveness


@dataclass(frozen=True, slots=True)
class CameraDrill:
    """`asked`: share of the living people's trials that were not taken for alive, with its upper 95 % bound; None: not
    tried · `passed` of `attacks` attacks were taken for alive · `flatters`: the point came from these very trials."""

    camera: str
    at: datetime
    policy: Policy
    asked: float | None
    asked_high: float
    live_trials: int
    passed: int
    attacks: int
    enough: bool
    flatters: bool


@dataclass(frozen=True, slots=True)
class LivenessAtSite:
    """`doubted` of `judged` passages since `since` did not look alive."""

    drills: tuple[CameraDrill, ...]
    judged: int
    doubted: int
    since: datetime


def liveness_at_site(
    session: Session, model_id: str, policy_at: Callable[[str], Policy], since: datetime
) -> LivenessAtSite:
    """Return the newest drill of each camera, by name, and the counts since an instant."""
    newest: dict[str, CameraDrill] = {}
    for row in liveness.newest_drills(session, model_id):
        newest[row.camera] = _drill(row, policy_at(row.camera))
    counts = liveness.counts_since(session, since)
    doubted = sum(number for (_granted, verdict), number in counts.items() if verdict is not Verdict.LIVE)
    return LivenessAtSite(tuple(newest[name] for name in sorted(newest)), sum(counts.values()), doubted, since)


def _drill(row: liveness.DrillRow, policy: Policy) -> CameraDrill:
    applied = row.point is not None
    rates: list[Mapping[str, Any]] = row.result["rates_with_point_found" if applied else "rates"]
    live = next(rate for rate in rates if rate["species"] == "live")
    attacks = [rate for rate in rates if rate["species"] != "live"]
    return CameraDrill(
        row.camera,
        row.created_at,
        policy,
        live["rate"],
        live["high95"],
        live["trials"],
        sum(rate["errors"] for rate in attacks),
        sum(rate["trials"] for rate in attacks),
        row.result["enough"],
        applied,
    )
