"""Numbers that are none: a form says so, whatever a decimal can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.datastructures import MultiDict

from attendance.web.forms import RegionForm, ThresholdForm, whole_number
from tests.site_fixtures import Browser, Web

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


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", str(2**31), "1e3", "x", ""])
def test_a_number_that_no_row_has_is_not_a_number(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        whole_number(text)


def test_addresses_with_numbers_are_bounded_before_a_database_sees_them() -> None:
    """A bare `type=int` takes numbers that SQLite cannot store, which is a server error."""
    bare = [
        f"{path.name}: {line.strip()}"
        for path in (Path(__file__).parents[2] / "attendance" / "web").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "type=int)" in line and "offset" not in line
    ]

    assert bare == []


@pytest.mark.parametrize("path", ["/attendance/calendar?person={}", "/audit?before={}", "/people?page={}&size={}"])
def test_a_number_larger_than_any_row_is_no_server_error(admin: Browser, path: str) -> None:
    for number in (10**30, -(10**30)):
        assert admin.get(path.format(number, number)).status_code in (200, 404)
