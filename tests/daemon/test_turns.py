"""Turns at the networks: in the order of arrival, given on whatever happens, one busy camera starves nobody."""

from __future__ import annotations

import threading

import pytest

from attendance.daemon.turns import InTurn, Turns
from attendance.domain.faces import Frame, Probe
from tests.daemon.conftest import PATIENCE_S, wait_for
from tests.factories import ANNA, make_frame
from tests.fakes import FakeAnalyser


class Gated(FakeAnalyser):
    """Notes who had a turn; each waits inside until it is let on."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.most = 0
        self._now = 0
        self.on = threading.Semaphore(0)

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        self._now += 1
        self.most = max(self.most, self._now)
        self.inside.append(frame.camera)
        assert self.on.acquire(timeout=PATIENCE_S)
        self._now -= 1
        return super().analyse(frame, max_faces)


def frame_of(camera: str) -> Frame:
    frame = make_frame(ANNA)
    return Frame(frame.image, frame.taken_at, camera, 0)


def test_a_busy_camera_has_its_turn_after_each_of_the_others() -> None:
    """The busy one asks again at once, the calm one once: it waits for one look at most."""
    networks, turns = Gated(), Turns(1)
    busy, calm = InTurn(networks, turns), InTurn(networks, turns)

    def stand_there() -> None:
        for _ in range(4):
            busy.analyse(frame_of("busy"))

    crowd = threading.Thread(target=stand_there)
    crowd.start()
    wait_for(lambda: networks.inside == ["busy"])
    one = threading.Thread(target=lambda: calm.analyse(frame_of("calm")))
    one.start()
    wait_for(lambda: len(turns._waiting) == 1)
    for _ in range(5):
        networks.on.release()
    crowd.join(PATIENCE_S)
    one.join(PATIENCE_S)

    assert networks.inside == ["busy", "calm", "busy", "busy", "busy"]
    assert networks.most == 1
    assert calm.timings["turn"] > 0
    assert calm.timings["embed"] == 2.0


def test_a_turn_is_given_on_when_a_look_fails() -> None:
    networks, turns = FakeAnalyser(), Turns(1)
    camera = InTurn(networks, turns)
    networks.error = RuntimeError("the network is damaged")
    with pytest.raises(RuntimeError):
        camera.analyse(frame_of("a"))
    networks.error = None

    assert len(camera.analyse(frame_of("a"))) == 1


def test_as_many_look_at_once_as_there_are_places() -> None:
    networks, turns = Gated(), Turns(2)
    threads = [
        threading.Thread(target=InTurn(networks, turns).analyse, args=(frame_of(str(number)),)) for number in range(3)
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(networks.inside) == 2 and len(turns._waiting) == 1)
    for _ in threads:
        networks.on.release()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert networks.most == 2
    assert len(networks.inside) == 3
