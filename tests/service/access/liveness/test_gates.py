"""Which cameras get a gate, by which operating point, and what happens without a network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import LivenessPoint, Policy
from attendance.errors import UserError
from attendance.service.access.liveness.gates import gates
from attendance.store.access import liveness
from attendance.store.session import Sessions
from attendance.store.settings import UPGRADED_SITE, put
from tests.service.access.liveness.networks import Network


def settings(**values: object) -> Settings:
    return Settings.model_validate({"liveness": values})


def test_each_camera_has_its_own_policy_and_the_network_is_loaded_once(sessions: Sessions) -> None:
    loads: list[int] = []

    def load() -> Network:
        loads.append(1)
        return Network(1.0)

    made = gates(settings(policy="refuse", cameras="canteen = off, lab=watch"), sessions, load)
    assert made("canteen") is None
    assert loads == []
    assert [getattr(made(name), "policy", None) for name in ("front", "lab")] == [Policy.REFUSE, Policy.WATCH]
    assert loads == [1]


def test_the_point_of_a_drill_comes_before_the_cards(sessions: Sessions) -> None:
    point = LivenessPoint(2.0, 0.0, 1.0, 0.0)
    with sessions.begin() as session:
        liveness.add_drill(
            session,
            camera="front",
            model_id=Network.model_id,
            at=datetime(2024, 5, 6, tzinfo=UTC),
            by=None,
            result={},
            point=point,
        )
    made = gates(settings(policy="refuse"), sessions, lambda: Network(1.0))
    front, back = made("front"), made("back")
    assert front is not None
    assert back is not None
    assert (front.point.source, back.point.source) == ("drill 1", "card")


@pytest.mark.parametrize("chosen", ["auto", "watch", "off"])
def test_a_new_site_steps_up_after_a_drill_and_no_choice_is_overridden(sessions: Sessions, chosen: str) -> None:
    def policy() -> object:
        return getattr(gates(made, sessions, lambda: Network(1.0))("front"), "policy", None)

    made = Settings.model_validate({"liveness": {"policy": chosen}, "models": {"liveness": Network.model_id}})
    assert policy() is (None if chosen == "off" else Policy.WATCH)
    at = datetime(2024, 5, 6, tzinfo=UTC)
    with sessions.begin() as session:
        values: dict[str, Any] = {"model_id": Network.model_id, "at": at, "by": None, "result": {}}
        liveness.add_drill(session, camera="front", point=None, **values)
    assert policy() is (None if chosen == "off" else Policy.WATCH)  # a drill without a point
    with sessions.begin() as session:
        liveness.add_drill(session, camera="front", point=LivenessPoint(2.0, 0.0, 1.0, 0.0), **values)
    after = {"auto": Policy.STEP_UP, "watch": Policy.WATCH, "off": None}
    assert policy() is after[chosen]
    with sessions.begin() as session:
        put(session, UPGRADED_SITE, True, at)
    assert policy() is (None if chosen == "off" else Policy.WATCH)


@pytest.mark.parametrize("policy", ["step_up", "refuse"])
def test_a_door_that_is_to_refuse_does_not_start_without_a_judge(sessions: Sessions, policy: str) -> None:
    without = Network(1.0)
    without.operating_points = {}
    for network in (None, without):
        with pytest.raises(UserError, match=r"front.*models\.liveness"):
            gates(settings(policy=policy), sessions, lambda network=network: network)("front")  # type: ignore[misc]


def test_a_door_that_watches_goes_on_without_and_says_so(sessions: Sessions, caplog: pytest.LogCaptureFixture) -> None:
    def load() -> Network:
        raise UserError("the weights are damaged")

    assert gates(settings(policy="watch"), sessions, load)("front") is None
    assert "the weights are damaged" in caplog.text
    with pytest.raises(UserError, match="damaged"):
        gates(settings(policy="refuse"), sessions, load)("front")
