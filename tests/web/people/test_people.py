"""/people: the list, one person's page, adding, editing, consent, deactivating, erasing."""

from __future__ import annotations

import hashlib

import pytest

from attendance.store.audit import entries
from attendance.store.people import people, templates
from attendance.store.privacy.consent_history import history
from attendance.store.settings import gallery_version
from tests.factories import ANNA, BERT, NOON, make_template
from tests.site_fixtures import Browser, Web


def test_an_empty_list_says_what_to_do(admin: Browser, viewer: Browser) -> None:
    assert "Add a person" in admin.text("/people")
    assert "/people/new" not in viewer.text("/people")


def test_the_search_looks_at_name_number_and_department(web: Web, admin: Browser) -> None:
    web.add("Anna Berg", staff_number="1040", department="Lab")
    web.add("Bert Lind", staff_number="2050", department="Office")
    for words in ("anna", "1040", "LAB", "berg lab"):
        page = admin.text(f"/people?q={words}")
        assert "Anna Berg" in page
        assert "Bert Lind" not in page
    assert "Nobody found" in admin.text("/people?q=zzz")


def test_the_list_tells_templates_and_consent(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.add("Bert Lind", agreed=False)
    web.enrol(anna, ANNA)
    web.enrol(anna, BERT)
    page = admin.text("/people")

    assert '<span class="num-plain">2</span>' in page
    assert "none yet" in page
    assert "not noted" in page


def test_the_list_tells_who_must_be_enrolled_again_from_who_never_was(web: Web, admin: Browser) -> None:
    anna, older = web.add("Anna Berg"), make_template(1, model_id="older")
    with web.sessions.begin() as session:
        templates.add_template(session, web.keys, anna, older, "upload", {}, None, at=NOON)
    page = admin.text("/people")
    assert "other model" in page and "none yet" not in page
    web.add("Bert Olsen")
    assert "none yet" in admin.text("/people")


def test_a_long_list_has_pages(web: Web, admin: Browser) -> None:
    for number in range(30):
        web.add(f"Person {number:02}")
    first, second = admin.text("/people"), admin.text("/people?page=2")

    assert "Person 24" in first
    assert "Person 25" not in first
    assert "Person 25" in second
    assert "Page 2 of 2" in second
    assert "Page 2 of 2" in admin.text("/people?page=77")
    assert admin.get("/people?page=-5&show=nonsense").status_code == 200


def test_inactive_people_are_shown_when_asked_for(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    admin.submit(f"/people/{anna}/active", {"active": "no"})

    assert "Anna Berg" not in admin.text("/people").split("</header>")[1]
    assert "Anna Berg" in admin.text("/people?show=inactive")
    assert "Anna Berg" in admin.text("/people?show=all")


def test_somebody_is_added(web: Web, admin: Browser) -> None:
    answer = admin.submit(
        "/people/new", {"name": " Anna  Berg ", "staff_number": "7", "department": "Lab", "notes": "a\r\nb"}
    )

    assert answer.location == "/people/1"
    with web.sessions() as session:
        anna = people.get_person(session, 1)
    assert (anna.name, anna.staff_number, anna.department, anna.notes) == ("Anna Berg", "7", "Lab", "a\nb")


def test_a_name_is_needed_and_a_number_belongs_to_one_person(web: Web, admin: Browser) -> None:
    web.add("Anna Berg", staff_number="7")
    nameless = admin.submit("/people/new", {"name": "  "})
    taken = admin.submit("/people/new", {"name": "Bert", "staff_number": "7"})

    assert nameless.status_code == taken.status_code == 400
    assert "Enter a name." in nameless.get_data(as_text=True)
    assert "belongs to Anna Berg already" in taken.get_data(as_text=True)
    assert 'value="Bert"' in taken.get_data(as_text=True)  # what was typed is not lost


def test_somebody_is_changed(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg", staff_number="7")
    assert 'value="Anna Berg"' in admin.text(f"/people/{anna}/edit")
    admin.submit(f"/people/{anna}/edit", {"name": "Anna Lind", "staff_number": ""})

    with web.sessions() as session:
        changed = people.get_person(session, anna)
    assert (changed.name, changed.staff_number) == ("Anna Lind", None)


def test_deactivating_reaches_the_doors_and_can_be_undone(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    with web.sessions() as session:
        before = gallery_version(session)
    admin.submit(f"/people/{anna}/active", {"active": "no"})
    with web.sessions() as session:
        assert not people.get_person(session, anna).active
        assert gallery_version(session) == before + 1
    assert "no longer recognised" in admin.text(f"/people/{anna}")
    admin.submit(f"/people/{anna}/active", {"active": "yes"})
    with web.sessions() as session:
        assert people.get_person(session, anna).active


def test_erasing_asks_first_and_leaves_the_log_without_a_name(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.enrol(anna, ANNA)
    web.passage(person_id=anna)
    question = admin.text(f"/people/{anna}/delete")
    with web.sessions() as session:
        people.get_person(session, anna)

    assert "Erase Anna Berg?" in question
    assert "1 template," in question
    assert admin.submit(f"/people/{anna}/delete").status_code == 302
    assert admin.get(f"/people/{anna}").status_code == 404
    assert "erased person" in admin.text("/log")


def test_consent_is_kept_word_for_word_with_its_date(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg", agreed=False)
    assert "Mill Lane stores a mathematical description" in admin.text(f"/people/{anna}")
    said = {"text": "I agree to this.", "agreed": "y", "language": "en", "channel": "paper"}
    admin.submit(f"/people/{anna}/consent", said | {"access": "y", "attendance": "y"})

    with web.sessions() as session:
        person, rows = people.get_person(session, anna), history(session, anna)
    assert person.consent_at == web.clock.now()
    assert {(row.purpose, row.words, row.language, row.channel, row.noted_by) for row in rows} == {
        ("access", "I agree to this.", "en", "paper", "ada"),
        ("attendance", "I agree to this.", "en", "paper", "ada"),
    }
    assert "I agree to this." in admin.text(f"/people/{anna}")


@pytest.mark.parametrize(
    "form",
    [
        {"text": "I agree.", "access": "y"},
        {"text": " ", "agreed": "y", "access": "y"},
        {"text": "I agree.", "agreed": "y"},
        {"text": "I agree.", "agreed": "y", "access": "y", "language": "<b>"},
        {"text": "I agree.", "agreed": "y", "access": "y", "channel": "telepathy"},
    ],
)
def test_consent_needs_words_a_purpose_and_a_tick(web: Web, admin: Browser, form: dict[str, str]) -> None:
    anna = web.add("Anna Berg", agreed=False)

    assert admin.submit(f"/people/{anna}/consent", {"language": "en"} | form).status_code == 400
    with web.sessions() as session:
        assert people.get_person(session, anna).consent_at is None


def test_taking_consent_back_erases_the_templates(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.enrol(anna, ANNA)
    admin.submit(f"/people/{anna}/consent/withdraw")

    with web.sessions() as session:
        assert templates.list_templates(session, anna) == []
        assert people.get_person(session, anna).consent_at is None


def test_one_purpose_is_withdrawn_and_the_history_says_so(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.enrol(anna, ANNA)
    admin.submit(f"/people/{anna}/consent/withdraw", {"purpose": "attendance"})

    with web.sessions() as session:
        assert len(templates.list_templates(session, anna)) == 1
        assert people.get_person(session, anna).agreed == {"access"}
        assert history(session, anna)[-1].act == "withdrawn"
    page = admin.text(f"/people/{anna}")
    assert "Working time withdrawn" in page and "History, 3 entries" in page


def test_a_whole_record_is_a_page_or_json_with_the_template_as_a_digest(web: Web, admin: Browser) -> None:
    anna = web.add("Anna <Berg>")
    web.enrol(anna, ANNA)
    with web.sessions() as session:
        (template,) = templates.list_templates(session, anna)
    page, told = (admin.get(f"/privacy/people/{anna}/record.{form}") for form in ("html", "json"))

    digest = hashlib.sha256(template.vector).hexdigest()
    assert told.get_json()["face_templates"][0]["sealed_sha256"] == digest
    assert digest in page.text and "Anna &lt;Berg&gt;" in page.text and "<Berg>" not in page.text
    with web.sessions() as session:
        actions = [(row.action, row.subject_id) for row in entries.list_entries(session)]
        assert actions == [("export_data", people.get_person(session, anna).uid)] * 2
