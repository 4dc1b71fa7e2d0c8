"""Photos as people send them: every kind of file, every kind of mistake."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from attendance.domain.faces import Box, Frame, Probe
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.jobs import salt_photo_digests
from attendance.service.access.reason_texts import reason_advice
from attendance.service.enrolment.enrol import check_photo
from attendance.store import settings
from attendance.store.people import opened_templates, people, templates
from attendance.store.people.look_alikes import named_pairs
from attendance.store.tables import people as stored_people
from tests.factories import ANNA, BERT, MODEL, NOBODY, STRANGER, make_image, make_photo
from tests.fakes import FakeAnalyser, FakeClock
from tests.service.conftest import Site


def test_a_good_photo_is_good() -> None:
    report = check_photo(FakeAnalyser(), make_photo(ANNA), FakeClock())
    assert report.ok
    assert report.reason is None
    assert report.template is not None
    assert report.box is not None
    assert "array" not in repr(report)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_the_file_format_does_not_change_who_it_is(form: str) -> None:
    one = check_photo(FakeAnalyser(), make_photo(ANNA), FakeClock()).template
    other = check_photo(FakeAnalyser(), make_photo(ANNA, form), FakeClock()).template
    assert one is not None
    assert other is not None
    assert one.score(other) > 0.99


def test_a_photo_of_nobody_is_refused() -> None:
    report = check_photo(FakeAnalyser(), make_photo(NOBODY), FakeClock())
    assert (report.ok, report.reason) == (False, Reason.NO_FACE)
    assert report.advice == reason_advice(Reason.NO_FACE)


def test_a_photo_of_two_people_is_refused() -> None:
    both = np.hstack([make_image(ANNA), make_image(BERT)])
    done, photo = cv2.imencode(".png", both)
    assert done
    report = check_photo(FakeAnalyser(), photo.tobytes(), FakeClock())
    assert (report.ok, report.reason) == (False, Reason.SEVERAL_FACES)


@pytest.mark.parametrize(("share", "ok"), [(0.24, True), (0.26, False)])
def test_a_passer_by_in_the_background_does_no_harm(share: float, ok: bool) -> None:
    class WithPasserBy(FakeAnalyser):
        def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
            (first,) = super().analyse(frame, max_faces)
            side = (share * first.box.area) ** 0.5
            return [first, replace(first, box=Box(0, 0, side, side))]

    assert check_photo(WithPasserBy(), make_photo(ANNA), FakeClock()).ok is ok


def test_the_worst_flaw_is_the_reason() -> None:
    analyser = FakeAnalyser()
    analyser.flaws = (Reason.TOO_SMALL, Reason.BLURRED)
    report = check_photo(analyser, make_photo(ANNA), FakeClock())
    assert (report.ok, report.reason, report.template) == (False, Reason.TOO_SMALL, None)
    assert report.box is not None
    assert report.quality is not None


def test_enrolling_stores_a_sealed_template_and_no_photo(site: Site) -> None:
    person = site.enrol("Anna", ANNA)
    with site.sessions() as session:
        (row,) = templates.list_templates(session, person)
    assert (row.model_id, row.source) == (MODEL, "upload")
    assert row.quality["size"] == 120.0
    assert make_photo(ANNA)[:40] not in row.vector
    assert len(row.vector) < 384 * 4 + 64


def test_a_refused_photo_adds_nothing(site: Site) -> None:
    person = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        before = settings.gallery_version(session)
        assert not site.enrol_photo(session, person, make_photo(NOBODY)).ok
        assert not site.enrol_photo(session, person, b"no picture").ok
    with site.sessions() as session:
        assert len(templates.list_templates(session, person)) == 1
        assert settings.gallery_version(session) == before


def test_the_same_photo_again_is_told_and_adds_nothing(site: Site) -> None:
    person = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        report = site.enrol_photo(session, person, make_photo(ANNA))
    assert (report.ok, report.already_enrolled) == (True, True)
    with site.sessions() as session:
        assert [row.id for row in templates.list_templates(session, person)] == [report.template_id]


def test_without_consent_a_photo_is_not_even_looked_at(site: Site) -> None:
    site.analyser.error = AssertionError("the analyser was asked")
    with site.sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=site.clock.now())
        report = site.enrol_photo(session, anna.id, make_photo(ANNA))
        assert (report.ok, report.reason, report.advice) == (False, Reason.NO_CONSENT, reason_advice(Reason.NO_CONSENT))
        assert templates.list_templates(session, anna.id) == []


def test_the_first_photo_already_is_refused_when_it_may_be_somebody_else(site: Site) -> None:
    anna = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        double = site.add(session, "Ann")
        before = settings.gallery_version(session)
        report = site.enrol_photo(session, double.id, make_photo(ANNA, "WEBP"))
        assert settings.gallery_version(session) == before
        assert templates.list_templates(session, double.id) == []
        bert = site.add(session, "Bert")
        assert site.enrol_photo(session, bert.id, make_photo(BERT)).looks_like is None
        assert site.enrol_photo(session, anna, make_photo(STRANGER)).looks_like is None
    assert (report.ok, report.reason, report.words) == (False, Reason.MAY_BE_ANOTHER, "this may be Anna, 1.00")
    assert report.template is None
    assert report.looks_like is not None
    assert report.looks_like[0] == anna
    assert report.looks_like[1] == pytest.approx(1.0, abs=1e-5)


def test_two_people_who_were_confirmed_as_such_are_not_asked_about_again(site: Site) -> None:
    anna = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        twin = site.add(session, "Ann").id
        assert site.enrol_photo(session, twin, make_photo(ANNA, "BMP"), two_people=[anna], confirmed_by="ada").ok
        assert site.enrol_photo(session, twin, make_photo(ANNA, "WEBP")).ok
        assert site.enrol_photo(session, anna, make_photo(ANNA, "JPEG")).ok
        third = site.add(session, "Änne").id
        again = site.enrol_photo(session, third, make_photo(ANNA) + b"again", two_people=[anna])
        assert (again.reason, again.words) == (Reason.MAY_BE_ANOTHER, "this may be Ann, 1.00")  # nobody said so of her
        (pair,) = named_pairs(session, MODEL)
        assert (pair.name, pair.other_name, pair.confirmed_by) == ("Anna", "Ann", "ada")


def test_a_photo_is_compared_with_the_persons_other_ones(site: Site) -> None:
    anna = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        same = site.enrol_photo(session, anna, make_photo(ANNA, "WEBP"))
        other = site.enrol_photo(session, anna, make_photo(STRANGER))
    assert same.own_score is not None
    assert same.own_score > 0.9
    assert (same.unlike_own, other.ok, other.unlike_own) == (False, True, True)


def test_enrolling_for_somebody_erased_meanwhile_is_told(site: Site) -> None:
    with site.sessions() as session, pytest.raises(UserError, match="there is no person 7"):
        site.enrol_photo(session, 7, make_photo(ANNA))
    with site.sessions() as session:
        assert session.scalars(select(stored_people.Template)).all() == []


def test_a_photo_asks_for_consent_once_and_opens_the_gallery_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.set_threshold()
    site.enrol("Bert", BERT)
    calls: Counter[str] = Counter()
    for module, name in ((opened_templates, "open_everybody"), (people, "get_person")):
        inner = getattr(module, name)

        def counted(*args: object, inner: Callable[..., Any] = inner, name: str = name, **options: object) -> Any:
            calls[name] += 1
            return inner(*args, **options)

        monkeypatch.setattr(module, name, counted)

    site.enrol("Anna", ANNA)

    assert calls == {"open_everybody": 1, "get_person": 1}


def test_the_new_template_is_on_the_list_of_look_alikes_at_once(site: Site) -> None:
    site.set_threshold(threshold=0.9, margin=0.9)
    with site.sessions.begin() as session:
        anna, bert = site.add(session, "Anna").id, site.add(session, "Bert").id
        site.enrol_photo(session, anna, make_photo(ANNA))
        site.enrol_photo(session, bert, make_photo(ANNA, "WEBP"), two_people=None)
        (pair,) = named_pairs(session, MODEL)
    assert (pair.person_id, pair.other_id) == (anna, bert)


def test_the_very_file_of_somebody_else_is_refused_whatever_is_confirmed(site: Site) -> None:
    with site.sessions.begin() as session:
        anna, bert = site.add(session, "Anna").id, site.add(session, "Bert").id
        assert site.enrol_photo(session, anna, make_photo(ANNA)).ok
        for confirmed in ((), [anna], None):
            report = site.enrol_photo(session, bert, make_photo(ANNA), two_people=confirmed)
            assert (report.ok, report.words) == (False, "this very file is a photo of Anna")
        assert templates.list_templates(session, bert) == []


def test_a_digest_is_salted_and_one_from_before_is_known_and_salted_later(site: Site) -> None:
    plain = hashlib.sha256(make_photo(ANNA)).hexdigest()
    with site.sessions.begin() as session:
        anna, bert = site.add(session, "Anna").id, site.add(session, "Bert").id
        site.enrol_photo(session, anna, make_photo(ANNA))
        (row,) = templates.list_templates(session, anna)
        salted = row.photo_sha256
        assert salted is not None and plain not in salted and len(salted) == 64
        row.photo_sha256 = plain  # as it was kept before
    with site.sessions.begin() as session:
        assert site.enrol_photo(session, anna, make_photo(ANNA)).already_enrolled
        assert not site.enrol_photo(session, bert, make_photo(ANNA), two_people=None).ok
    assert (salt_photo_digests(site.sessions, site.keys), salt_photo_digests(site.sessions, site.keys)) == (1, 0)
    with site.sessions.begin() as session:
        assert templates.list_templates(session, anna)[0].photo_sha256 == salted
        assert site.enrol_photo(session, anna, make_photo(ANNA)).already_enrolled
