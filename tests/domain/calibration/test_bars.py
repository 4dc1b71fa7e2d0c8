"""Bars: what the cards must have measured before a face alone should move a lock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attendance.config import Settings
from attendance.domain.calibration.bars import Bar, Missed, missed

GOOD: dict[str, Any] = {"lfw_open_set": {"rows": [{"gallery": 100, "fpir": 0.01, "fnir": 0.05}]}}


def rates(apcer: float, *bpcer: float) -> dict[str, Any]:
    live = {f"set {number}": {"kind": "BPCER", "share": share} for number, share in enumerate(bpcer)}
    return {"rates": {"print": {"kind": "APCER", "share": apcer}, **live}}


def test_networks_that_reach_every_bar_miss_none() -> None:
    assert missed(GOOD, rates(0.03, 0.0, 0.05)) == ()


def test_of_several_sets_the_worst_counts() -> None:
    assert missed(GOOD, rates(0.01, 0.0, 0.06)) == (Missed(Bar.LIVE_PEOPLE, 0.06, 0.05),)


def test_what_was_not_measured_is_missed() -> None:
    other = {"lfw_open_set": {"rows": [{"gallery": 1000, "fpir": 0.01, "fnir": 0.0}]}}
    assert missed(other, {}) == (
        Missed(Bar.OWN_PEOPLE, None, 0.05),
        Missed(Bar.ATTACKS, None, 0.03),
        Missed(Bar.LIVE_PEOPLE, None, 0.05),
    )


def test_the_shipped_weights_miss_what_their_cards_say() -> None:
    models = Settings().models
    recogniser, liveness = (
        json.loads(Path(models.weights, f"{name}.json").read_text())["metrics"]
        for name in (models.recogniser, models.liveness)
    )
    (row,) = [r for r in recogniser["lfw_open_set"]["rows"] if (r["gallery"], r["fpir"]) == (100, 0.01)]
    worst = max(rate["share"] for rate in liveness["rates"].values() if rate["kind"] == "APCER")
    found = {one.bar: one.value for one in missed(recogniser, liveness)}
    assert found.get(Bar.OWN_PEOPLE, 0) == (row["fnir"] if row["fnir"] > 0.05 else 0)
    assert found.get(Bar.ATTACKS, 0) == (worst if worst > 0.03 else 0)
