"""Somebody before the fake camera who moves: an analyser that sees a colour as a face in a pose that the test sets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from attendance.domain.access.liveness.challenge import Step
from attendance.domain.access.liveness.fusion import LivenessPoint, Policy
from attendance.domain.faces import Box, Frame, Landmarks, Probe
from attendance.service.access.check_in import CheckIn, Outcome
from attendance.service.access.liveness.gate import LivenessGate, LivenessRules
from tests.domain.access.liveness.solid import PX, points
from tests.factories import make_image
from tests.fakes import FakeAnalyser
from tests.service.access.liveness.networks import Network
from tests.service.conftest import Site

WIDTH, HEIGHT = 640, 480


@dataclass
class Moving(FakeAnalyser):
    """The colour says who it is, the pose where the face and its points are."""

    yaw: float = 0.0
    nearer: float = 1.0
    flat: bool = False
    shift: float = 0.0
    more: list[Probe] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        found = super().analyse(frame, max_faces)
        if frame.image.shape[:2] != (HEIGHT, WIDTH):
            return found  # a photo
        x, side = 320 + self.shift, PX * self.nearer
        box = Box(x - side, 240 - side, x + side, 240 + 2 * side)
        face = points(self.yaw, nearer=self.nearer, x=x, flat=self.flat).astype(np.float32)
        return [replace(probe, box=box, landmarks=Landmarks(face)) for probe in found] + self.more


def gate(network: Network, policy: Policy) -> LivenessGate:
    """A liveness gate with this network and policy."""
    return LivenessGate(network, LivenessPoint(1.0, 0.0, 1.0, -1.0), LivenessRules(policy))


def analyser_of(site: Site) -> Moving:
    """Put a moving face before the camera of a site."""
    moving = Moving()
    site.analyser = moving
    return moving


def show(site: Site, check_in: CheckIn, colour: tuple[int, int, int]) -> list[Outcome]:
    """One picture, a fifth of a second after the last, that differs from it a little."""
    site.clock.advance(0.2)
    image = make_image(colour, WIDTH, HEIGHT)
    return check_in.process(Frame(image, site.clock.now(), "door"))


def follow(
    site: Site,
    check_in: CheckIn,
    colour: tuple[int, int, int],
    *,
    seconds: float = 16.0,
    obeys: bool = True,
) -> list[Outcome]:
    """Stand there and do what is asked, a while after it was; `obeys` False: look ahead all the time."""
    moving, outcomes, waited = site.analyser, list[Outcome](), 0
    assert isinstance(moving, Moving)
    known: tuple[str, int] | None = None
    for _ in range(int(seconds * 5)):
        progress = check_in.challenge
        step = None if progress is None else progress.asked
        now = None if progress is None else (progress.challenge.id, len(progress.done))
        waited, known = (waited + 1 if now == known else 0), now
        if obeys and waited > 4:
            yaw = {Step.LEFT: 30.0, Step.RIGHT: -30.0}.get(step, 0.0) if step is not None else 0.0
            moving.yaw += max(-12.0, min(12.0, yaw - moving.yaw))
            moving.nearer += max(-0.1, min(0.1, (1.4 if step is Step.NEARER else 1.0) - moving.nearer))
        outcomes += show(site, check_in, colour)
        if any(outcome.challenge is not None for outcome in outcomes):
            break
    return outcomes
