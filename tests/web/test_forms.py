"""Numbers that are none: a form says so, whatever a decimal can be."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from attendance.web.forms import RegionForm, ThresholdForm
from tests.site_fixtures import Web

ODD = ("nan", "-nan", "sNaN", "-sNaN", "sNaN123", "inf", "-inf", "Infinity", "1e400", "1e999999", "-0.1", "2", "", "x")


def test_what_is_no_number_of_the_range_is_an_error_of_the_field(web: Web) -> None:
    with web.app.test_request_context():
        for text in ODD:
            for field in ("threshold", "margin"):
                given = MultiDict({"threshold": "0.5", "margin": "0.1"} | {field: text})
                form = ThresholdForm(given, meta={"csrf": False})
                assert not form.validate(), (field, text)
                assert set(form.errors) == {field}
            if text != "2":
                corners = MultiDict({"left": text, "top": "0", "right": "50", "bottom": "50"})
                region = RegionForm(corners, meta={"csrf": False})
                assert not region.validate(), text
                assert set(region.errors) == {"left"}


def test_the_ends_of_the_range_belong_to_it(web: Web) -> None:
    with web.app.test_request_context():
        for threshold, margin in (("0.01", "0"), ("0.99", "0.5")):
            assert ThresholdForm(MultiDict({"threshold": threshold, "margin": margin}), meta={"csrf": False}).validate()


def test_the_page_answers_such_a_number_with_its_form(web: Web) -> None:
    admin = web.browser("ada")
    for text in ("sNaN", "nan", "inf"):
        assert admin.submit("/threshold", {"threshold": text, "margin": text}).status_code == 400, text
