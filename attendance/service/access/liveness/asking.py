"""Which grants have to wait for a challenge before a camera, and what came of those that waited.

In: grants with what the liveness gate made of them; frames.  Out: those that can be recorded now.
Does not know: how a movement is judged, how a request is recorded.
Main choice: the rules of the door are asked before anybody is asked to move, and decide again when it is recorded.
Trade-off: one more look at the rules for each grant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from attendance.domain.access.consensus import Settled
from attendance.domain.access.liveness.challenge import Progress
from attendance.domain.faces import Frame, Probe
from attendance.domain.passage import Passage
from attendance.domain.reason import Reason
from attendance.service.access.edge.deciding import Edge, is_away
from attendance.service.access.gallery_watch import denied
from attendance.service.access.liveness.challenger import Answered, Challenger, Decide, IsRepeat
from attendance.service.access.liveness.gate import Ruling
from attendance.service.access.recording import Recorder

Ready = tuple[Settled, Ruling | None]


class Asking:
    """Of one camera or tablet.  `edge`: decides while the database is away."""

    def __init__(self, challenger: Challenger, recorder: Recorder, edge: Edge | None) -> None:
        self._challenger, self._recorder, self._edge = challenger, recorder, edge

    @property
    def progress(self) -> Progress | None:
        """Return what somebody before the camera is asked to do now."""
        return self._challenger.progress

    @property
    def waiting(self) -> bool:
        """Return whether a grant waits for somebody to move."""
        return self._challenger.waiting

    def sort(
        self,
        frame: Frame,
        probes: Sequence[Probe],
        ready: Sequence[Ready],
        passage_of: Callable[[Settled], Passage],
        decide: Decide,
        is_repeat: IsRepeat,
    ) -> list[tuple[Settled, Ruling | None, Answered | None]]:
        """Let grants wait that need a challenge; return the others, and those whose challenge has ended."""
        left: list[tuple[Settled, Ruling | None, Answered | None]] = []
        for settled, ruling in ready:
            why = self._why(settled, ruling, passage_of)
            if why is None:
                left.append((settled, ruling, None))
            elif self._challenger.rests(settled.decision.person_id or 0, frame.taken_at):
                left.append((replace(settled, decision=denied(Reason.TOO_MANY_ATTEMPTS)), ruling, None))
            else:
                self._challenger.ask(frame.taken_at, settled, ruling, why)
        ended = self._challenger.add(frame, probes, decide, is_repeat)
        return left + [(answered.settled, answered.ruling, answered) for answered in ended]

    def close(self, progress: Progress, passage_id: str) -> None:
        """Write the end of a challenge that no passage of its own follows, such as a repeat's at a tablet."""
        self._challenger.close(progress, passage_id)

    def forget(self) -> None:
        """Forget all: nobody passes on what was asked before."""
        self._challenger.forget()

    def _why(self, settled: Settled, ruling: Ruling | None, passage_of: Callable[[Settled], Passage]) -> str | None:
        """Return why this grant has to wait for a challenge, None if it has not.

        Who would be refused anyway is not asked to move: a locked door says nothing about who is enrolled.
        """
        doubt = ruling is not None and ruling.reason is Reason.CHALLENGE_FAILED
        # A second factor is asked for after the movement, which the point asks of every face: it replaces none.
        unsure = ruling is not None and ruling.unsure
        if not settled.decision.granted or not (doubt or unsure or ruling is None or ruling.passes):
            return None
        try:
            foreseen = self._recorder.foresee(passage_of(settled), liveness_asks=unsure)
        except Exception as error:
            if self._edge is None or not is_away(error):
                raise
            return None  # nobody could be shown what to do; the copy of the rules decides, and refuses where it asks
        if not foreseen.useful or not (doubt or foreseen.asked):
            return None
        return "doubt" if doubt else "rule"
