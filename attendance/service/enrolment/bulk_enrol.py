"""Many people at once: judge every photo first, then enrol whole people in one transaction.

In: `Entry`s, the analyser, sessions and keys.  Out: a `Result` a person; templates.
Does not know: how the list was written down, or who reads the results.
Main choice: nothing is written until every photo has been looked at, and then all of it in one
transaction: an interruption leaves nothing behind, and a person is enrolled with all usable photos or,
when anything needs a decision (no consent, perhaps somebody else), not at all.  Trade-off: memory
for the templates of a run, 1.5 kB a photo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.domain.people.consent import Channel
from attendance.domain.reason import Reason
from attendance.errors import Phrase, UserError
from attendance.service.access.reason_texts import reason_words
from attendance.service.enrolment.bulk_sources import Entry
from attendance.service.enrolment.enrol import PhotoReport, check_photo, numbers
from attendance.service.people import look_alikes
from attendance.service.ports import Analyser, Clock
from attendance.store import settings
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys, WrongMasterKey
from attendance.store.people import look_alikes as pairs
from attendance.store.people import people, templates
from attendance.store.people.templates import Enrolled
from attendance.store.privacy import consent as consents
from attendance.store.session import Sessions
from attendance.store.tables.people import Person


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo.  `digest`: SHA-256 of the file."""

    path: Path
    report: PhotoReport
    digest: str


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one entry.

    `problem`: in words, why nothing was enrolled, "" when it was; `added` and `known`: photos whose
    templates are new, and were there before; `total`: the templates that the person has now;
    `unlike`: added photos that the threshold would not take for this person by any other photo.
    """

    entry: Entry
    photos: Sequence[Judged]
    problem: str
    reason: Reason | None = None
    added: int = 0
    known: int = 0
    total: int = 0
    unlike: int = 0


def judge_photos(analyser: Analyser, entry: Entry, clock: Clock) -> Iterator[Judged]:
    """Yield one judged photo after the other, so that the caller can show progress; nothing is written."""
    for path in entry.photos:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError("cannot read %(path)s: %(strerror)s", path=path, strerror=error.strerror) from error
        yield Judged(path, check_photo(analyser, data, clock), hashlib.sha256(data).hexdigest())


def enrol_all(
    sessions: Sessions,
    keys: Keys,
    model_id: str,
    judged: Sequence[tuple[Entry, Sequence[Judged]]],
    clock: Clock,
    *,
    consent: str | None = None,
    two_people: bool = False,
    dry_run: bool = False,
    only_if: Callable[[list[Result]], bool] | None = None,
) -> list[Result]:
    """Enrol everybody who can be enrolled, in one transaction; `dry_run` undoes it at the end.

    `consent`: what people agreed to whose consent is neither recorded nor listed.  `two_people`: everybody who
    resembles somebody else is a different person.  `only_if`: asked before the end, with the results; False
    undoes it all, such as when the results are no longer those of the report that was read.
    """
    with sessions() as session:
        settings.lock_gallery(session, clock.now())  # a write first: what is read below stays true until the end
        run = _Run(session, keys, model_id, judged, clock.now(), consent, two_people)
        results = [run.enrol(number) for number in range(len(judged))]
        if dry_run or not any(result.added for result in results) or not (only_if is None or only_if(results)):
            session.rollback()
            return results
        look_alikes.refresh_now(session, keys, model_id, clock.now())
        session.commit()
    return results


class _Run:
    """One transaction; entries are compared with everybody enrolled before, and with each other."""

    def __init__(
        self,
        session: Session,
        keys: Keys,
        model_id: str,
        judged: Sequence[tuple[Entry, Sequence[Judged]]],
        at: datetime,
        consent: str | None,
        two_people: bool,
    ) -> None:
        self._session, self._keys, self._model_id, self._at = session, keys, model_id, at
        self._judged, self._consent, self._two_people = judged, consent, two_people
        self._point = operating_points.current(session, model_id)
        self._holders: dict[str, set[int]] = {}
        for number, (_entry, photos) in enumerate(judged):
            for photo in photos:
                self._holders.setdefault(photo.digest, set()).add(number)
        # Entries count as people with negative ids, so that one comparison serves enrolled people and entries.
        self._enrolled = templates.enrolled_templates(session, keys, model_id)
        everybody = self._enrolled + [
            Enrolled(0, -1 - number, entry.name, photo.report.template)
            for number, (entry, photos) in enumerate(judged)
            for photo in photos
            if photo.report.ok and photo.report.template is not None
        ]
        self._names = {row.person_id: row.name for row in everybody}
        self._scoring = operating_points.scoring_in_force(session, keys, model_id)
        self._everybody = look_alikes.Comparison.of(everybody, self._scoring)

    def enrol(self, number: int) -> Result:
        entry, photos = self._judged[number]
        usable = [photo for photo in photos if photo.report.ok and photo.report.template is not None]
        if not usable:
            return Result(entry, photos, Phrase("no usable photo"), _most_frequent(photos))
        try:
            person = self._find(entry)
        except UserError as error:
            return Result(entry, photos, error.words)
        words = entry.consent or self._consent
        if words is None and (person is None or person.consent_at is None):
            return Result(entry, photos, reason_words(Reason.NO_CONSENT), Reason.NO_CONSENT)
        twin = self._same_file(number, person, usable)
        if twin is not None:
            return Result(entry, photos, Phrase("the very file of a photo of %(name)s", name=twin))
        like = self._duplicate(number, person, usable)
        if like is not None and not self._two_people:
            name, score = like
            return Result(
                entry,
                photos,
                Phrase("may be %(name)s, %(score)s", name=name, score=f"{score:.2f}"),
                Reason.MAY_BE_ANOTHER,
            )
        try:
            return self._add(entry, photos, usable, person, words)
        except WrongMasterKey:
            raise
        except UserError as error:  # such as an id that somebody else has; nothing of this person was written yet
            return Result(entry, photos, error.words)

    def _add(
        self, entry: Entry, photos: Sequence[Judged], usable: Sequence[Judged], person: Person | None, words: str | None
    ) -> Result:
        session, at = self._session, self._at
        with session.begin_nested():  # a person whole or not at all
            if person is None:
                person = people.create_person(
                    session, name=entry.name, at=at, staff_number=entry.staff_number, department=entry.department
                )
            if person.consent_at is None:
                consents.give_consent(session, person.id, words or "", at=at, channel=Channel.FILE)
            rows = templates.list_templates(session, person.id)
            known = [row for row in rows if row.model_id == self._model_id]
            new = {
                photo.digest: photo
                for photo in usable
                if not any(templates.is_photo(self._keys, row, photo.digest) for row in known)
            }
            for photo in new.values():
                report = photo.report
                assert report.template is not None
                assert report.quality is not None
                templates.add_template(
                    session,
                    self._keys,
                    person.id,
                    report.template,
                    "import",
                    numbers(report.quality),
                    photo.digest,
                    at=at,
                )
        unlike = self._count_unlike(new, usable, person.id)
        return Result(
            entry, photos, "", added=len(new), known=len(usable) - len(new), total=len(known) + len(new), unlike=unlike
        )

    def _find(self, entry: Entry) -> Person | None:
        query = select(Person).where(func.lower(Person.name) == entry.name.lower())
        if entry.staff_number is not None:
            query = select(Person).where(Person.staff_number == entry.staff_number)
        found = self._session.scalars(query).all()
        if len(found) > 1:
            raise UserError(
                "there are %(count)s people of this name: say which by staff_number in a CSV", count=len(found)
            )
        if found and found[0].name.lower() != entry.name.lower():
            raise UserError(
                "the id %(staff_number)s belongs to %(name)s", staff_number=entry.staff_number, name=found[0].name
            )
        return found[0] if found else None

    def _same_file(self, number: int, person: Person | None, usable: Sequence[Judged]) -> str | None:
        """Return whom else one of these files shows, enrolled or in this list: no file shows two people."""
        for photo in usable:
            but = None if person is None else person.id
            if (twin := templates.whose_photo(self._session, self._keys, photo.digest, but)) is not None:
                return twin.name
            others = self._holders[photo.digest] - {number}
            if others:
                return self._judged[min(others)][0].name
        return None

    def _duplicate(self, number: int, person: Person | None, usable: Sequence[Judged]) -> tuple[str, float] | None:
        """Return the other person, enrolled or in this list, whom the threshold takes any of the photos for."""
        own = [-1 - number] if person is None else [-1 - number, person.id]
        near: dict[int, float] = {}
        for photo in usable:
            assert photo.report.template is not None
            for other, score in self._everybody.judge(photo.report.template, own, self._point).duplicates:
                near[other] = max(score, near.get(other, -1.0))
        for other, score in sorted(near.items(), key=lambda item: -item[1]):
            both_known = person is not None and other > 0
            if not (both_known and pairs.is_confirmed(self._session, self._model_id, own[-1], other)):
                return self._names[other], score
        return None

    def _count_unlike(self, new: Mapping[str, Judged], usable: Sequence[Judged], person_id: int) -> int:
        """Return how many of the new photos the threshold would not take for this person by any other photo."""
        earlier = [row.template.vector for row in self._enrolled if row.person_id == person_id]
        vectors = [photo.report.template.vector for photo in usable if photo.report.template is not None]
        if self._point is None or len(earlier) + len(vectors) < 2:
            return 0
        likeness = self._scoring.own_scores(np.stack([*vectors, *earlier]), most_looks=1)
        return sum(
            float(best) < self._point.threshold
            for photo, best in zip(usable, likeness[: len(usable)], strict=True)
            if new.get(photo.digest) is photo
        )


def _most_frequent(photos: Sequence[Judged]) -> Reason | None:
    reasons = [photo.report.reason for photo in photos if photo.report.reason is not None]
    return max(reasons, key=reasons.count) if reasons else None
