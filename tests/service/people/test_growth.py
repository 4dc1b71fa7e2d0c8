"""Grown templates and the threshold: first the threshold that was computed with them, then they count at the doors."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from attendance.config import Settings
from attendance.domain.faces import Template
from attendance.domain.people.consent import Purpose
from attendance.service.access.gallery_watch import GalleryWatch
from attendance.service.audit.audit import Actor
from attendance.service.calibration import impostors
from attendance.service.calibration.auto_tighten import tighten, unknown
from attendance.service.calibration.offers import apply, at, calibrate_site
from attendance.service.calibration.site_scores import site_scores_of
from attendance.service.people.growth import NOTHING, ready, rules_of, settle
from attendance.service.privacy.erasure import begin_ledger, erase_person, take_back_grown
from attendance.store.audit import entries
from attendance.store.audit.signatures import Signer
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import grown, people, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.privacy import consent, person_keys
from attendance.store.privacy.ledger import Ledger
from attendance.store.session import Sessions
from attendance.store.tables.calibration import OperatingPoint
from tests.domain.calibration.simulated_sites import faces
from tests.factories import MODEL, NOON, near
from tests.fakes import FakeClock
from tests.service.calibration.conftest import reference

PEOPLE, GREW = 12, 4
ADA = Actor("operator", "Ada")


class Grounds:
    """Twelve people with a photo each, a threshold for the risk of 1 in 50, and looks of four of them whose quarantine
    is over.  Each lies a little towards another person, as looks of one camera do.
    """

    def __init__(self, sessions: Sessions, keys: Keys, settings: Settings) -> None:
        self.sessions, self.keys, self.clock = sessions, keys, FakeClock()
        self.settings = settings.model_copy(
            update={
                "growth": settings.growth.model_copy(update={"enabled": True}),
                "models": settings.models.model_copy(update={"recogniser": MODEL}),
            }
        )
        centres = faces(np.random.default_rng(5), PEOPLE)
        with sessions.begin() as session:
            for number, centre in enumerate(centres):
                person = people.create_person(session, name=f"P{number}", at=NOON, consent_at=NOON, consent_text="Yes.")
                consent.give_consent(session, person.id, "Yes.", at=NOON, purposes=[Purpose.GROWTH])
                photo = Template(near(centre, 0.97, seed=number), MODEL)
                templates.add_template(session, keys, person.id, photo, "upload", {}, None, at=NOON)
        self.choose()
        self.towards = centres + 0.4 * np.roll(centres, -1, axis=0)
        for person_id in range(1, GREW + 1):
            self.grow(person_id)

    def grow(self, person_id: int) -> str:
        """Add a look whose quarantine is over."""
        with self.sessions.begin() as session:
            wrapped = person_keys.wrapped_key(session, person_id)
            assert wrapped is not None
            vector = np.asarray(self.towards[person_id - 1], np.float32)
            look = Template(vector / np.linalg.norm(vector), MODEL)
            row = GrownTemplate(
                person_id=person_id, model_id=MODEL, vector=self.keys.unwrap(wrapped, person_id).seal(look), quality={},
                camera="door", passage_id="p", grown_at=NOON, usable_at=NOON,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.uid

    def choose(self, risk: float | None = 50, threshold: float | None = None) -> None:
        """Put a threshold in force as an operator does on the page, for a risk or by hand."""
        with self.sessions() as session:
            waiting = ready(session, self.keys, MODEL, rules_of(self.settings), self.clock.now())
            known = site_scores_of(session, self.keys, self.settings, MODEL, NOON, ready=waiting)
        offer = at(known, threshold) if threshold else calibrate_site(known, risk or 50)
        with self.sessions.begin() as session:
            source = "administrator" if threshold else "calibration"
            apply(session, known, offer, margin=0.0, by="Ada", reason="chosen", at=NOON, source=source)  # type: ignore[arg-type]

    def tighten(self) -> bool:
        return tighten(self.sessions, self.keys, self.settings, MODEL, self.clock) is not None

    def settle(self) -> int:
        return settle(self.sessions, self.keys, MODEL, rules_of(self.settings), self.clock)

    def point(self) -> OperatingPoint:
        with self.sessions() as session:
            return operating_points.history(session, MODEL, limit=1)[0]

    def in_use(self) -> set[str]:
        with self.sessions() as session:
            return grown.in_use(session, MODEL)

    def counted(self) -> frozenset[str]:
        with self.sessions() as session:
            return operating_points.counted_grown(session, MODEL)

    def unknown(self) -> tuple[int, int, int, int]:
        self.clock.advance(601)
        with self.sessions() as session:
            found = unknown(session, MODEL, self.clock.now())
        return found.people, found.came, found.went, found.wait


@pytest.fixture
def settings(tmp_path) -> Settings:
    impostors.save(reference(300), tmp_path)
    plain = Settings()
    return plain.model_copy(update={"models": plain.models.model_copy(update={"weights_dir": str(tmp_path)})})


@pytest.fixture
def grounds(sessions: Sessions, keys: Keys, settings: Settings) -> Grounds:
    return Grounds(sessions, keys, settings)


def test_the_threshold_is_raised_first_and_only_then_what_grew_comes_into_use(grounds: Grounds) -> None:
    before = grounds.point()
    assert grounds.settle() == 0, "the threshold in force was computed without it"
    assert grounds.tighten()
    after = grounds.point()
    assert after.threshold > before.threshold and after.created_by is None and after.target == before.target
    assert "4 grown templates (before: 0)" in (after.reason or "") and "raised" in (after.reason or "")
    assert after.details["grown"] == GREW and "4 templates that grew" in (after.data or "")
    assert not grounds.in_use(), "the higher threshold is in force and nothing else yet"

    assert grounds.settle() == GREW
    assert grounds.in_use() == set(grounds.counted())
    assert not grounds.tighten() and grounds.settle() == 0
    assert grounds.unknown() == (0, 0, 0, 0)
    with grounds.sessions() as session:
        [entry] = entries.list_entries(session, action="apply_threshold")[:1]
    assert entry.detail["grown"] == GREW


def test_a_program_that_ends_between_the_two_lets_nobody_in_by_the_old_threshold(grounds: Grounds) -> None:
    grounds.tighten()
    raised = grounds.point().threshold
    again = GalleryWatch(grounds.sessions, grounds.keys, MODEL, grounds.clock)
    view = again.load()
    assert view.point is not None and view.point.threshold == raised and len(view.gallery) == PEOPLE
    assert grounds.settle() == GREW
    grounds.clock.advance(2)
    view = again.refresh()
    assert view.point is not None and view.point.threshold == raised and len(view.gallery) == PEOPLE + GREW


def test_a_daemon_that_reads_while_both_change_has_no_new_gallery_with_the_old_threshold(
    grounds: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = GalleryWatch(grounds.sessions, grounds.keys, MODEL, grounds.clock)
    old = watch.load().point
    read = templates.load_gallery

    def slow(*args: object, **options: object) -> object:  # the site does both after the daemon has read the threshold
        monkeypatch.setattr(templates, "load_gallery", read)
        assert grounds.tighten() and grounds.settle() == GREW
        return read(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(templates, "load_gallery", slow)
    with grounds.sessions.begin() as session:
        people.set_active(session, PEOPLE, False, at=NOON)
    grounds.clock.advance(2)
    view = watch.refresh()
    assert old is not None and view.point is not None
    assert len(view.gallery) == PEOPLE - 1 + GREW and view.point.threshold > old.threshold


@pytest.mark.parametrize("off", [True, False])
def test_where_the_program_may_not_tighten_what_grew_waits_until_somebody_puts_a_threshold_in_force(
    grounds: Grounds, off: bool
) -> None:
    if off:
        calm = grounds.settings.calibration.model_copy(update={"tighten": False})
        grounds.settings = grounds.settings.model_copy(update={"calibration": calm})
    else:
        with grounds.sessions.begin() as session:  # chosen by hand before anything grew
            operating_points.set_point(
                session, model_id=MODEL, threshold=0.75, margin=0.0, source="administrator", gallery_size=12, at=NOON
            )
    before = grounds.point().id
    assert not grounds.tighten() and grounds.settle() == 0
    assert grounds.point().id == before and not grounds.in_use()
    assert grounds.unknown() == (0, 0, 0, GREW)

    grounds.choose(threshold=0.75)
    assert grounds.settle() == GREW
    assert grounds.unknown() == (0, 0, 0, 0)


def test_without_a_number_it_waits_and_nothing_is_computed_twice(
    grounds: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostors.file_of(grounds.settings.models.weights, MODEL).unlink()
    before = grounds.point().id
    assert not grounds.tighten() and grounds.settle() == 0
    assert grounds.point().id == before and grounds.unknown() == (0, 0, 0, GREW)

    def never(*_args: object, **_options: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patched:
        patched.setattr("attendance.service.calibration.auto_tighten.site_scores_of", never)
        assert not grounds.tighten()
    impostors.save(reference(300), grounds.settings.models.weights)
    with grounds.sessions.begin() as session:  # any change of the gallery has it tried again
        people.set_active(session, PEOPLE, False, at=NOON)
    assert grounds.tighten() and grounds.settle() == GREW


def test_what_is_taken_back_is_noticed_and_never_loosens(grounds: Grounds, tmp_path) -> None:
    grounds.tighten()
    grounds.settle()
    raised = grounds.point()
    ledger = Ledger(tmp_path / "ledger", Signer(grounds.keys))
    begin_ledger(grounds.sessions, ledger, NOON)
    assert take_back_grown(grounds.sessions, ledger, 1, ADA, NOON) == 1
    assert grounds.unknown() == (0, 0, 1, 0)

    assert grounds.tighten()
    kept = grounds.point()
    assert kept.threshold >= raised.threshold and kept.details["grown"] == GREW - 1
    assert "3 grown templates (before: 4)" in (kept.reason or "")
    assert grounds.unknown() == (0, 0, 0, 0) and not grounds.tighten()


def test_an_erased_person_leaves_no_id_behind_once_the_threshold_was_computed_anew(grounds: Grounds, tmp_path) -> None:
    grounds.tighten()
    grounds.settle()
    with grounds.sessions() as session:
        [gone] = [row.uid for row in grown.of_person(session, 2)]
    ledger = Ledger(tmp_path / "ledger", Signer(grounds.keys))
    begin_ledger(grounds.sessions, ledger, NOON)
    erase_person(grounds.sessions, ledger, 2, ADA, NOON)
    assert grounds.unknown() == (0, 0, 1, 0)
    assert grounds.tighten()
    assert gone not in grounds.counted() and len(grounds.counted()) == GREW - 1
    with grounds.sessions() as session:
        older = operating_points.history(session, MODEL)[1]
        assert older.grown is None


def test_what_came_into_use_before_thresholds_knew_of_it_is_counted_once(grounds: Grounds) -> None:
    with grounds.sessions.begin() as session:  # as an upgraded site has it
        for uid in grown.all_of(session, MODEL):
            [row] = grown.by_uid(session, [uid])
            row.used_since = NOON
    assert grounds.unknown() == (0, GREW, 0, 0)
    before = grounds.point().threshold
    assert grounds.tighten() and grounds.point().threshold > before
    assert grounds.unknown() == (0, 0, 0, 0)


def test_a_person_who_comes_back_with_what_grew_is_counted_again(grounds: Grounds) -> None:
    with grounds.sessions.begin() as session:
        people.set_active(session, 3, False, at=NOON)
    grounds.tighten()
    assert grounds.settle() == GREW - 1, "of who is switched off nothing waits any longer"
    with grounds.sessions.begin() as session:
        people.set_active(session, 1, False, at=NOON)
    assert grounds.unknown() == (0, 0, 0, 0), "who is switched off lets nobody in"
    grounds.choose()
    with grounds.sessions.begin() as session:
        people.set_active(session, 1, True, at=NOON)
    assert grounds.unknown()[1] == 1
    assert grounds.tighten() and grounds.unknown() == (0, 0, 0, 0)


def test_a_threshold_that_is_put_in_force_without_what_grew_holds_it_back(grounds: Grounds) -> None:
    grounds.tighten()
    with grounds.sessions.begin() as session:  # between the two steps somebody sets one by hand, from an older page
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.4, margin=0.0, source="administrator", gallery_size=12, at=NOON
        )
    assert grounds.settle() == 0 and not grounds.in_use()


def test_what_grows_while_the_threshold_is_computed_waits_for_the_next_one(grounds: Grounds) -> None:
    grounds.tighten()
    late = grounds.grow(5)
    assert grounds.settle() == GREW and late not in grounds.in_use()
    assert grounds.tighten() and grounds.settle() == 1 and late in grounds.in_use()


def test_a_clock_in_doubt_counts_nothing_that_waits(grounds: Grounds) -> None:
    grounds.clock.doubt = "it was set back"
    assert not grounds.tighten() and grounds.settle() == 0


def test_nothing_is_ready_while_the_quarantine_lasts_or_growth_is_off(grounds: Grounds) -> None:
    with grounds.sessions() as session:
        assert ready(session, grounds.keys, MODEL, None, NOON) == NOTHING
        rules = rules_of(grounds.settings)
        assert ready(session, grounds.keys, MODEL, rules, NOON - timedelta(days=1)) == NOTHING
        assert len(ready(session, grounds.keys, MODEL, rules, NOON).fits) == GREW
