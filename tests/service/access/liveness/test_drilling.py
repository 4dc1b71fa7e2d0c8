"""One trial before a camera, judged by the door's own gate; the report of several."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from attendance.domain.access.liveness.drill import Species, Trial
from attendance.domain.access.liveness.fusion import LivenessPoint, Policy, Verdict, judge
from attendance.domain.faces import Frame
from attendance.errors import UserError
from attendance.service.access.liveness import drilling
from attendance.service.access.liveness.drill_report import DrillSetting, content_of, lacking, summary
from attendance.service.access.liveness.drill_store import store_drill
from attendance.service.access.liveness.drilling import Watch, watch
from attendance.service.access.liveness.gate import LivenessGate, LivenessRules
from attendance.store.access import liveness
from attendance.store.audit import entries
from attendance.store.session import Sessions
from tests.factories import ANNA, BERT, NOBODY, NOON, make_frame
from tests.fakes import FakeAnalyser
from tests.service.access.liveness.networks import Network

POINT = LivenessPoint(1.0, 0.0, 1.0, -1.0)
Colours = list[tuple[int, int, int] | None]


class Clip:
    """A camera that gives a picture of each colour, five a second; None: nothing came."""

    def __init__(self, colours: Colours) -> None:
        self.left, self.number, self.closed = list(colours), 0, False

    @property
    def ended(self) -> bool:
        return not self.left

    def read(self, timeout: float) -> Frame | None:
        colour = self.left.pop(0) if self.left else None
        self.number += 1
        return None if colour is None else make_frame(colour, NOON + timedelta(seconds=0.2 * self.number))

    def close(self) -> None:
        self.closed = True


def tried(colours: Colours, network: Network, seconds: float = 8.0) -> Verdict | None:
    camera = Clip(colours)
    gate = LivenessGate(network, POINT, LivenessRules(Policy.REFUSE))
    judgement = watch(camera, FakeAnalyser(), gate, Watch(seconds), lambda: camera.ended)
    return None if judgement is None else judgement.verdict


def test_a_face_is_judged_once_it_was_seen_as_often_as_a_door_asks() -> None:
    network = Network(3.0)
    assert tried([NOBODY, ANNA, ANNA], network) is None
    assert network.asked == 0
    assert tried([NOBODY, ANNA, ANNA, ANNA], network) is Verdict.LIVE
    assert tried([ANNA] * 3, Network(-3.0)) is Verdict.ATTACK


def test_an_unclear_answer_is_asked_again_and_stays_unclear_if_the_face_goes_away() -> None:
    network = Network(0.0, 4.0)
    assert tried([ANNA] * 8, network) is Verdict.LIVE
    assert network.asked == 2
    assert tried([ANNA] * 4, Network(0.0)) is Verdict.UNCLEAR


def test_another_face_in_the_same_place_begins_anew() -> None:
    network = Network(0.0)
    assert tried([ANNA] * 3 + [BERT] * 2, network) is None
    assert network.asked == 1
    assert tried([ANNA] * 2 + [BERT] * 2, network) is None


def test_a_trial_ends_after_its_time_by_the_pictures() -> None:
    assert tried([NOBODY] * 10 + [ANNA] * 5, Network(3.0), seconds=2.0) is None


def test_a_camera_without_pictures_is_said_and_not_counted_as_an_attack_held_off() -> None:
    nothing: Colours = [None] * 200
    with pytest.raises(UserError, match="no picture came"):
        tried(nothing, Network(3.0))
    with pytest.raises(UserError, match="no picture at all"):
        tried([], Network(3.0))
    assert len(nothing) > drilling.NO_PICTURE_S / drilling.WAIT_S


def trials() -> list[Trial]:
    """20 walk-ups of 5 people, 10 attacks of each species, one print taken for alive."""
    spread = np.random.default_rng(3).normal(0, 0.4, 60)
    made = [Trial(Species.LIVE, f"L{n % 5}", NOON, judge([3 + spread[n]], None, None, POINT)) for n in range(20)]
    for place, species in enumerate(list(Species)[1:]):
        logits = -3 + spread[20 + 10 * place : 30 + 10 * place]
        made += [Trial(species, f"{species}{n}", NOON, judge([x], None, None, POINT)) for n, x in enumerate(logits)]
    made[20] = Trial(Species.PRINT, "print0", NOON, judge([2.0], None, None, POINT))
    return made


def test_a_drill_is_stored_with_its_counts_and_its_point_only_if_wanted(sessions: Sessions) -> None:
    setting = DrillSetting("Site", "front", "Ada", "m", POINT, {"m.onnx": "0" * 64})
    content = content_of(setting, trials(), NOON, NOON + timedelta(hours=1))
    assert (content["enough"], lacking(content)) == (True, "")
    assert [row[3] for row in summary(trials())] == ["0 of 20", "1 of 10", "0 of 10", "0 of 10", "0 of 10"]
    assert store_drill(sessions, NOON, "Ada", content, apply=False, choice="auto") == (1, Policy.WATCH)
    with sessions() as session:
        assert liveness.point_at(session, "front", "m") is None
    assert store_drill(sessions, NOON, "Ada", content, apply=True, choice="watch")[1] is Policy.WATCH
    assert store_drill(sessions, NOON, "Ada", content, apply=True, choice="auto") == (3, Policy.STEP_UP)
    with sessions() as session:
        acts = [one.detail for one in entries.list_entries(session, limit=2)]
    assert [(one["policy"], one["chosen"]) for one in acts] == [("step_up", False), ("watch", True)]
    with sessions() as session:
        point = liveness.point_at(session, "front", "m")
        assert point is not None
        assert point.source == "drill 3"
        assert point.live_from == content["point_found"]["live_from"]
        kept = liveness.drills(session)[0].result
    assert "trials" not in kept  # those are in the signed report
    assert kept["rates"][1]["errors"] == 1


def test_nothing_tried_is_nothing_to_report() -> None:
    with pytest.raises(UserError, match="nothing was tried"):
        content_of(DrillSetting("Site", "front", "Ada", "m", POINT, {}), [], NOON, NOON)
