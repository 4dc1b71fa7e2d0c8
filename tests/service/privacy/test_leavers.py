"""What follows from a consent that ends: the ledger, a person's record, the papers."""

from __future__ import annotations

from contextvars import copy_context
from datetime import date, timedelta

from babel.support import NullTranslations

from attendance import texts
from attendance.config import Settings
from attendance.domain.people.consent import Purpose
from attendance.jobs import forget_faces_of_leavers
from attendance.service.privacy import documents, dpia, schedule
from attendance.service.privacy.documents import Document
from attendance.service.privacy.erasure import withdraw
from attendance.store.people import employment, people, templates
from attendance.store.privacy import consent, consent_history, erasures
from attendance.store.session import Sessions
from tests.factories import NOON, make_template
from tests.fakes import FakeClock
from tests.service.privacy.conftest import ADA, Place


def enrolled(place: Place, name: str) -> int:
    person_id = place.add(name)
    with place.sessions.begin() as session:
        consent.give_consent(session, person_id, "Yes.", at=NOON)
    return person_id


def test_the_last_purpose_writes_the_ledger_and_the_first_does_not(place: Place) -> None:
    anna = enrolled(place, "Anna")
    lines = len(place.ledger.read())

    assert withdraw(place.sessions, place.ledger, anna, ADA, NOON, [Purpose.ACCESS]) is None
    assert len(place.ledger.read()) == lines
    with place.sessions() as session:
        assert templates.list_templates(session, anna)

    erased = withdraw(place.sessions, place.ledger, anna, ADA, NOON, [Purpose.ATTENDANCE])

    assert [line.kind for line in place.ledger.read()[lines:]] == ["key"]
    with place.sessions() as session:
        assert templates.list_templates(session, anna) == []
        row = erasures.erasure(session, str(erased))
        assert row is not None and row.removed["templates"] == 1
        acts = [(one.purpose, one.act) for one in consent_history.history(session, anna)]
    assert acts == [
        ("access", "given"), ("attendance", "given"), ("access", "withdrawn"), ("attendance", "withdrawn"),
    ]  # fmt: skip


def test_faces_of_leavers_go_after_the_days_of_the_settings_and_working_time_stays(place: Place) -> None:
    anna, bert = enrolled(place, "Anna"), enrolled(place, "Bert")
    with place.sessions.begin() as session:
        for person_id, day in ((anna, 1), (bert, 20)):
            people.set_active(session, person_id, False, at=NOON, on=date(2024, 4, day))
    settings = Settings.model_validate(
        {"retention": {"leavers_days": 30}, "privacy": {"ledger": str(place.ledger.path)}, "backup": {"folder": ""}}
    )

    assert forget_faces_of_leavers(place.sessions, place.keys, settings, FakeClock(NOON)) == 1
    assert forget_faces_of_leavers(place.sessions, place.keys, settings, FakeClock(NOON)) == 0

    with place.sessions() as session:
        assert templates.list_templates(session, anna) == [] and templates.list_templates(session, bert)
        assert [row.act for row in consent_history.history(session, anna)] == ["given", "given", "ended", "ended"]
        assert employment.employment_of(session, anna)[-1].last == date(2024, 4, 1)
    later = FakeClock(NOON + timedelta(days=60))
    off = settings.model_copy(update={"retention": settings.retention.model_copy(update={"leavers_days": 0})})
    assert forget_faces_of_leavers(place.sessions, place.keys, off, later) == 0


def test_the_schedule_says_what_the_settings_say() -> None:
    kept = {one.setting: one.how_long for one in schedule.schedule_of(Settings())}
    assert kept["retention.strangers_days"] == "30 days" and kept["retention.passages_days"] == "for ever"
    then = {one.setting: one.then for one in schedule.schedule_of(Settings())}
    assert then["retention.passages_days"] == "Nothing is deleted."
    assert then["retention.strangers_days"].startswith("Deleted.")
    other = Settings.model_validate({"retention": {"strangers_days": 7, "leavers_days": 0}})
    kept = {one.setting: one.how_long for one in schedule.schedule_of(other)}

    assert kept["retention.strangers_days"] == "7 days"
    assert kept["retention.leavers_days"] == "until somebody erases them"
    assert "7 days" in documents.as_html(schedule.schedule_document(other))


def test_the_pack_states_what_is_in_force_and_leaves_open_what_it_cannot_know(place: Place) -> None:
    enrolled(place, "Anna")
    settings = Settings.model_validate({"site": {"name": "A & B"}, "liveness": {"policy": "off"}})
    with place.sessions() as session:
        pack = dpia.pack_of(session, settings, {"viewer": "read person"}, NOON)

    page = documents.as_html(pack)
    rows = {row[0]: row[1] for section in pack.sections for row in section.rows}
    assert rows["People on record"].startswith("1, of them 1 active")
    assert rows["Consent to working time"] == "1 people now; 1 ever"
    assert rows["A photo or screen is held up"] == "Not countered: liveness is off."
    assert rows["viewer"] == "read person"
    assert "A &amp; B" in page and "To be answered by the controller" in page
    assert make_template(1).vector.tobytes().hex() not in page


def test_a_record_has_a_section_for_each_part_and_escapes_what_people_wrote() -> None:
    stored = {"told_at": "now", "person": {"name": "<i>"}, "links": [], "check_ins": [{"at": "a", "granted": True}]}

    page = documents.as_html(documents.record_of(stored, "Mill"))

    assert "<i>" not in page and "&lt;i&gt;" in page
    assert "Nothing is stored." in page and "<td>yes</td>" in page


class Marked(NullTranslations):
    """A language in which every text has brackets."""

    def ugettext(self, message: str) -> str:
        return f"[{message}]"


def test_the_pack_is_written_in_the_language_of_who_asks(sessions: Sessions) -> None:
    def packed() -> Document:
        texts.use(Marked())
        with sessions() as session:
            return dpia.pack_of(session, Settings(), {"viewer": "read person"}, NOON)

    pack = copy_context().run(packed)  # the language ends with this context

    assert pack.title.startswith("[")
    for section in pack.sections:
        assert all(text.startswith("[") for text in (section.title, *section.paragraphs, *section.head)), section.title
    places = next(one for one in pack.sections if "stored" in one.title)
    assert all(text.startswith("[") for row in places.rows for text in row)
