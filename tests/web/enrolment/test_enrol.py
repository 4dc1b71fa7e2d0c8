"""/people/<id>/photos: one by one for scripts, several for forms; templates."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import reason_advice
from attendance.store.people import templates
from tests.factories import ANNA, BERT, MODEL, NOBODY, make_photo
from tests.site_fixtures import Browser, Web


def post(browser: Browser, path: str, data: bytes, **fields: Any) -> TestResponse:
    form = {"photo": (io.BytesIO(data), "photo.png"), **fields}
    return browser.submit(path, form, headers={"Accept": "application/json"})


def templates_of(web: Web, person_id: int) -> list[Any]:
    with web.sessions() as session:
        return list(templates.list_templates(session, person_id))


def test_a_good_photo_becomes_a_template_and_its_answer_says_why_it_is_good(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    told = post(admin, f"/people/{anna}/photos/one", make_photo(ANNA), source="browser").json

    assert told["ok"]
    assert told["added"]
    assert told["templates"] == 1
    assert len(told["box"]) == 4
    assert told["quality"][0] == {"label": "Face", "text": "120 px", "ok": True, "wanted": "at least 40 px"}
    (template,) = templates_of(web, anna)
    assert (template.model_id, template.source) == (MODEL, "browser")


def test_no_answer_contains_the_template(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    told = post(admin, f"/people/{anna}/photos/one", make_photo(ANNA))

    expected = "ok added reason words advice box quality looks_like own_score unlike_own templates"
    assert set(told.json) == set(expected.split())


@pytest.mark.parametrize(
    ("flaws", "colour", "reason"),
    [
        ((), NOBODY, Reason.NO_FACE),
        ((Reason.TOO_SMALL,), ANNA, Reason.TOO_SMALL),
        ((Reason.BLURRED, Reason.TOO_DARK), ANNA, Reason.BLURRED),
    ],
)
def test_a_poor_photo_adds_nothing_and_is_answered_with_advice(
    web: Web, admin: Browser, flaws: tuple[Reason, ...], colour: tuple[int, int, int], reason: Reason
) -> None:
    anna = web.add("Anna Berg")
    web.analyser.flaws = flaws
    told = post(admin, f"/people/{anna}/photos/one", make_photo(colour)).json

    assert (told["ok"], told["added"], told["reason"], told["advice"]) == (
        False,
        False,
        reason.value,
        reason_advice(reason),
    )
    assert templates_of(web, anna) == []


@pytest.mark.parametrize("data", [b"", b"not an image", make_photo(ANNA)[:60]])
def test_a_file_that_is_no_photo_is_refused_with_words(web: Web, admin: Browser, data: bytes) -> None:
    anna = web.add("Anna Berg")
    told = post(admin, f"/people/{anna}/photos/one", data).json

    assert not told["ok"]
    assert told["words"]
    assert told["advice"]
    assert templates_of(web, anna) == []


def test_checking_keeps_nothing(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    told = post(admin, f"/people/{anna}/photos/check", make_photo(ANNA)).json

    assert told["ok"]
    assert not told["added"]
    assert templates_of(web, anna) == []


def test_without_consent_nothing_is_even_looked_at(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg", agreed=False)
    web.analyser.error = AssertionError("the analyser was asked")
    for path in ("one", "check"):
        told = post(admin, f"/people/{anna}/photos/{path}", make_photo(ANNA))
        assert told.status_code == 409
        assert told.json["words"] == "No consent to this"
    form = admin.submit(f"/people/{anna}/photos", {"photo": (io.BytesIO(make_photo(ANNA)), "a.png")})

    assert form.status_code == 302
    assert templates_of(web, anna) == []


def test_the_same_photo_twice_is_one_template(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    post(admin, f"/people/{anna}/photos/one", make_photo(ANNA))
    told = post(admin, f"/people/{anna}/photos/one", make_photo(ANNA)).json

    assert (told["ok"], told["added"], told["words"]) == (True, False, "This photo is enrolled already")
    assert len(templates_of(web, anna)) == 1


def test_a_face_that_somebody_else_has_is_pointed_out(web: Web, admin: Browser) -> None:
    web.set_threshold()
    anna, double = web.add("Anna Berg"), web.add("Anna Lind")
    web.enrol(anna, ANNA)
    told = post(admin, f"/people/{double}/photos/one", make_photo(ANNA)).json

    assert (told["ok"], told["reason"]) == (False, Reason.MAY_BE_ANOTHER.value)
    assert told["words"] == "This may be Anna Berg, 1.00"
    assert told["looks_like"] == {"id": anna, "name": "Anna Berg", "score": 1.0, "url": f"/people/{anna}"}
    assert templates_of(web, double) == []

    # Two people after all, confirmed by an operator whose name is kept; from then on nobody asks again.
    path = f"/people/{double}/photos/one"
    data = {"photo": (io.BytesIO(make_photo(ANNA)), "photo.png"), "two_people": str(anna)}
    assert admin.submit(path, data, headers={"Accept": "application/json"}).json["added"]
    assert post(admin, path, make_photo(ANNA, "WEBP")).json["added"]
    listed = admin.text("/look-alikes")
    assert "Anna Berg" in listed
    assert "by ada" in listed


def test_a_form_asks_whether_they_are_two_people_and_takes_the_answer(web: Web, admin: Browser) -> None:
    web.set_threshold()
    anna, double = web.add("Anna Berg"), web.add("Anna Lind")
    web.enrol(anna, ANNA)
    path = f"/people/{double}/photos"
    page = admin.submit(path, {"photo": [(io.BytesIO(make_photo(ANNA)), "a.png")]}).get_data(as_text=True)

    assert "This may be" in page
    assert 'name="two_people"' in page
    assert 'name="two_people"' not in admin.text(f"/people/{double}")
    admin.submit(path, {"photo": [(io.BytesIO(make_photo(ANNA)), "a.png")], "two_people": str(anna)})
    assert len(templates_of(web, double)) == 1


def test_a_photo_unlike_the_others_is_added_and_asked_about(web: Web, admin: Browser) -> None:
    web.set_threshold()
    anna = web.add("Anna Berg")
    web.enrol(anna, ANNA)
    told = post(admin, f"/people/{anna}/photos/one", make_photo(BERT)).json

    assert (told["added"], told["unlike_own"]) == (True, True)
    assert told["words"] == "Unlike this person’s other photos" and "remove it" in told["advice"]
    assert admin.text(f"/people/{anna}").count('state state-warn">unlike') == 2


def test_a_form_takes_several_photos_and_shows_each_result(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    photos = [(io.BytesIO(make_photo(one)), f"<{number}>.png") for number, one in enumerate((ANNA, BERT, NOBODY))]
    page = admin.submit(f"/people/{anna}/photos", {"photo": photos})
    text = page.get_data(as_text=True)

    assert page.status_code == 200
    assert text.count("shot-ok") == 2
    assert text.count("shot-bad") == 1
    assert "No face found" in text
    assert "&lt;0&gt;.png" in text
    assert text.count('class="shot-picture" src="data:image/jpeg;base64,') == 3
    assert len(templates_of(web, anna)) == 2


def test_a_form_without_photos_asks_for_them(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    admin.submit(f"/people/{anna}/photos", {"photo": (io.BytesIO(b""), "")})

    assert "Choose one or more photos first." in admin.text(f"/people/{anna}")


def test_a_file_over_the_limit_is_refused_with_the_limit(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    told = admin.client.post(
        f"/people/{anna}/photos/one",
        data=b"x" * (4 << 20),
        content_type="multipart/form-data; boundary=x",
        headers={"Accept": "application/json", "X-CSRFToken": admin.token()},
    )

    assert told.status_code == 413
    assert "at most 2 MB" in told.json["advice"]


def test_a_broken_analyser_is_a_fault_with_words_and_adds_nothing(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.analyser.error = RuntimeError("out of memory")
    told = post(admin, f"/people/{anna}/photos/one", make_photo(ANNA))

    assert told.status_code == 500
    assert told.json["words"] == "Something broke"
    assert templates_of(web, anna) == []


def test_a_script_without_a_photo_is_told_off(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")

    assert admin.submit(f"/people/{anna}/photos/one").status_code == 400
    assert post(admin, "/people/99/photos/one", make_photo(ANNA)).status_code == 404


def test_a_template_is_deleted_only_from_its_own_person(web: Web, admin: Browser) -> None:
    anna, bert = web.add("Anna Berg"), web.add("Bert Lind")
    web.enrol(anna, ANNA)
    (template,) = templates_of(web, anna)

    assert admin.submit(f"/people/{bert}/templates/{template.id}/delete").status_code == 404
    assert len(templates_of(web, anna)) == 1
    assert admin.submit(f"/people/{anna}/templates/{template.id}/delete").status_code == 302
    assert templates_of(web, anna) == []


def test_the_list_of_templates_can_be_had_alone(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.enrol(anna, ANNA)
    part = admin.text(f"/people/{anna}/templates")

    assert "<html" not in part
    assert "1 of 5 recommended templates; 3 are enough" in part
