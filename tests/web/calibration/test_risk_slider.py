"""The slider's positions."""

from __future__ import annotations

from attendance.web.calibration.risk_slider import RISKS, nearest_step


def test_the_sliders_positions_find_themselves_again() -> None:
    assert [nearest_step(risk) for risk in RISKS] == list(range(len(RISKS)))
    assert nearest_step(1) == 0
    assert nearest_step(800) == RISKS.index(1000)
