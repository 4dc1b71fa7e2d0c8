"""What somebody at a door is told when they try it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attendance.domain.access.door_state import Contact, Inputs
from attendance.service.access.doors import trial
from attendance.service.ports import DoorFault, Pulse, PulseOutcome
from tests.fakes import FakeDoor


class Scripted(FakeDoor):
    """Shows one look after the other; the last one stays."""

    def __init__(self, *looks: Inputs, pulse: Pulse | None = None) -> None:
        super().__init__()
        self.looks, self.answer = list(looks) or [Inputs()], pulse or Pulse(PulseOutcome.PULSED)

    def inputs(self) -> Inputs:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def unlock(self, seconds: float, passage: str = "") -> Pulse:
        super().unlock(seconds, passage)
        return self.answer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Time that passes by the looks: a fifth of a second each."""
    now = [100.0]
    monkeypatch.setattr(trial, "monotonic", lambda: now[0])
    monkeypatch.setattr(trial, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    yield now


def words(lines: Iterator[trial.Line]) -> list[str]:
    return [f"{line.verdict}: {line.words}" for line in lines]


CLOSED = Inputs(Contact.CLOSED, unlocked=False)


def test_a_good_door_says_what_it_saw() -> None:
    on, opened = Inputs(Contact.CLOSED, unlocked=True), Inputs(Contact.OPEN, unlocked=True)
    door = Scripted(on, opened, CLOSED)

    assert words(trial.survey(Scripted(CLOSED))) == [
        "ok: the device ends each pulse by itself",
        "ok: the device answers",
        "ok: it shows: door closed, relay off",
    ]
    assert words(trial.unlock(door, 1.0, 0.5)) == [
        "ok: unlocked for 1 s; the device confirmed it within 0 ms",
        "ok: after 0.0 s: door closed, relay on",
        "ok: after 0.2 s: door open, relay on",
        "ok: after 0.4 s: door closed, relay off",
    ]
    assert door.unlocked == [1.0], "once"


def test_a_device_that_does_not_end_its_pulses_is_a_warning() -> None:
    door = Scripted()
    door.pulse_in_device = False
    (first, *_) = trial.survey(door)

    assert first.verdict == "warning"
    assert "after a loss of power" in first.words


def test_a_relay_that_stays_on_is_a_fault() -> None:
    lines = words(trial.unlock(Scripted(Inputs(unlocked=True)), 1.0, 3.0))

    assert lines[-1].startswith("fault: the relay was still on after 3.")


def test_a_contact_that_never_opens_and_a_relay_that_never_moves_are_warnings() -> None:
    assert words(trial.unlock(Scripted(CLOSED), 1.0, 0.2))[-2:] == [
        "warning: the relay was never seen on",
        "warning: the contact never showed the door open: open it during the test, or check its wiring",
    ]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [(PulseOutcome.REFUSED, "refused, the door stayed shut"), (PulseOutcome.UNKNOWN, "unknown, the")],
)
def test_a_refusal_and_doubt_are_faults(outcome: PulseOutcome, said: str) -> None:
    lines = list(trial.unlock(Scripted(pulse=Pulse(outcome, "why")), 1.0, 0.0))

    assert lines[0].words.startswith(said)
    assert "(why)" in lines[0].words
    assert trial.worst(lines) == "fault"


def test_a_device_that_is_away_is_a_fault_and_the_survey_ends() -> None:
    class Away(FakeDoor):
        def prepare(self) -> list[str]:
            raise DoorFault("no answer")

    assert words(trial.survey(Away()))[-1] == "fault: the device cannot be prepared: no answer"
