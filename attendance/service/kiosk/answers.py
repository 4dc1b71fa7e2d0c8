"""What a tablet or a screen shows after a decision: one greeting for both.

In: a session, a recorded passage, the site's zone, the present instant.  Out: `Answer`s.
Does not know: tablets, streams, how a decision was made.
Main choice: one rule for every greeting.  Nobody is greeted for a passage that was undone, and no direction is
claimed that is in doubt.  Trade-off: a screen, which cannot ask, then shows the time without a direction.

An answer holds a first name and today's hours only after that person was identified, and never a score: a stolen
tablet's token alone reveals nothing about anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.access.liveness.challenge import Progress
from attendance.domain.passage import Direction, Method, Passage
from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import kiosk_hint, kiosk_refusal
from attendance.service.enrolment.at_camera import PHOTOS
from attendance.service.hours import days
from attendance.service.kiosk import messages
from attendance.store.access import events
from attendance.store.access.challenges import Asked
from attendance.store.enrolment.camera_enrolments import Standing
from attendance.store.people import people
from attendance.texts import gettext as _


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown.  `state`: idle, guide, challenge, greet, step_up (one more proof, or another one), refused, later
    (send the event again), done.

    `challenge`: the id of one that goes on, with its `step`, the `number` of that of so many, and `left_ms` to go ·
    `ask`: offer in, out and break · `sense`: what the passage was taken for · `undo`: seconds left for it.
    """

    state: str
    words: str = ""
    advice: str = ""
    event: str | None = None
    name: str | None = None
    today: str | None = None
    sense: str | None = None
    ask: bool = False
    undo: int = 0
    repeat: bool = False
    challenge: str | None = None
    step: str | None = None
    number: int = 0
    of: int = 0
    left_ms: int = 0


# Refusals after which the same person goes on at once by another proof.
STEP_UPS = frozenset({Reason.SECOND_FACTOR, Reason.LIVENESS_STEP_UP, Reason.CHALLENGE_FAILED})


def greet(
    session: Session, passage: Passage, zone: ZoneInfo, now: datetime, *, repeat: bool = False, undo: int = 0
) -> Answer | None:
    """Greet the person of a granted passage; None if erased, deactivated, or if the passage was undone.

    `repeat`: the passage also counts for a later check-in within the cooldown.  `undo`: for how many seconds a tablet
    offers to undo it, and asks for the direction if that is in doubt; 0 for a screen.
    """
    person = None if passage.person_id is None else people.active_person(session, passage.person_id)
    if person is None or events.is_void(session, passage.id):
        return None
    inference = days.next_inference(session, person.id, passage.at, zone, passage.direction)
    in_doubt = inference.in_doubt and passage.direction is Direction.UNKNOWN
    sense = None if in_doubt else inference.sense
    ask = in_doubt and undo > 0
    local = passage.at.astimezone(zone)
    return Answer(
        "greet",
        messages.greeting(person.name, sense, local.hour, repeat),
        _("Which way are you going?") if ask else messages.noted_at(sense, f"{local:%H:%M}"),
        name=messages.first_name(person.name),
        today=messages.hours(days.seconds_on_work_day(session, person.id, passage.at, zone, now)),
        sense=None if sense is None else sense.value,
        ask=ask,
        undo=undo,
        repeat=repeat,
    )


def ask_to_move(asked: Asked, now: datetime) -> Answer:
    """Return what a person is asked to do, with what would help and the time that is left."""
    step = asked.steps[asked.number]
    return Answer(
        "challenge",
        messages.step_words(step),
        messages.hint_words(asked.hint),
        challenge=asked.id,
        step=step.value,
        number=asked.number + 1,
        of=len(asked.steps),
        left_ms=max(0, (asked.ends_at - now) // timedelta(milliseconds=1)),
    )


def asked_by(progress: Progress) -> Asked:
    """Return what a challenge that goes on asks for."""
    challenge = progress.challenge
    return Asked(challenge.id, challenge.steps, len(progress.done), challenge.ends_at, progress.hint)


def refused(reason: Reason, method: Method = Method.FACE) -> Answer:
    """Return the refusal that this reason stands for; `method`: by which the person came."""
    if reason in STEP_UPS:
        return Answer("step_up", *messages.one_more(reason, method))
    headline, advice = kiosk_refusal(reason)
    return Answer("refused", headline, advice)


def guide_photos(standing: Standing, name: str) -> Answer:
    """Return what the person at the camera should do while photos are taken of them."""
    said = kiosk_hint(Reason(standing.hint)) if standing.hint else ""
    words = said or (_("Turn your head a little") if standing.taken else _("Look at the camera"))
    first = messages.first_name(name)
    done = _("%(name)s: photo %(number)s of %(most)s", name=first, number=standing.taken + 1, most=PHOTOS)
    return Answer("guide", words, done, name=first)


def photos_taken() -> Answer:
    """Return what is shown when no more photos are taken."""
    return Answer("done", _("Thank you"), _("That is all. No more photos are taken."))


def undone(event_id: str) -> Answer:
    """Return what is shown for a passage that does not count any more."""
    return Answer("done", _("Undone"), _("This check-in does not count."), event=event_id)


def came_late(passage: Passage) -> Answer:
    """Return what is shown for a check-in that came too late to count by itself."""
    return Answer("done", _("Noted"), _("It came late and waits for approval."), event=passage.id)


def later() -> Answer:
    """Return what is shown for an event that the tablet must send again."""
    return Answer("later", _("Noted"), _("It counts as soon as it can be checked."))
