"""Sorting, searching, paging and choosing, as every long table does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from attendance.web.listing import Column, Listing, chosen_of, listing_of


@dataclass(frozen=True)
class Guest:
    id: int
    name: str
    minutes: int | None = None


COLUMNS = (
    Column[Guest]("name", "Name", lambda one: one.name),
    Column[Guest]("minutes", "Minutes", lambda one: one.minutes, numeric=True),
)
GUESTS = [Guest(1, "Zoe", 5), Guest(2, "Ärmel", None), Guest(3, "arm", 70), Guest(4, "Łukasz Yıldız", 7)]


def listed(query: str = "", rows: list[Guest] = GUESTS, **options: Any) -> Listing[Guest]:
    with Flask("listing").test_request_context(f"/table?{query}"):
        return listing_of(rows, COLUMNS, lambda one: (one.name, str(one.id)), **options)


def names(listing: Listing[Guest]) -> list[str]:
    return [one.name for one in listing.rows]


def test_rows_are_in_the_given_order_until_somebody_sorts_them() -> None:
    assert names(listed()) == ["Zoe", "Ärmel", "arm", "Łukasz Yıldız"]
    assert names(listed("sort=name")) == ["arm", "Ärmel", "Łukasz Yıldız", "Zoe"]
    assert names(listed("sort=-name")) == ["Zoe", "Łukasz Yıldız", "Ärmel", "arm"]
    assert names(listed(sort="-name")) == names(listed("sort=-name"))


def test_what_is_not_known_stands_last_whichever_way_it_sorts() -> None:
    assert names(listed("sort=minutes")) == ["Zoe", "Łukasz Yıldız", "arm", "Ärmel"]
    assert names(listed("sort=-minutes")) == ["arm", "Łukasz Yıldız", "Zoe", "Ärmel"]


@pytest.mark.parametrize(("text", "found"), [("yildiz", [4]), ("ARMEL", [2]), ("lukasz 4", [4]), ("nobody", [])])
def test_the_search_needs_no_marks_and_every_word(text: str, found: list[int]) -> None:
    listing = listed(f"q={text}")

    assert [one.id for one in listing.rows] == found
    assert listing.total == 4


def test_a_page_says_which_rows_it_has_and_stays_within_the_table() -> None:
    many = [Guest(number, f"Guest {number:03}") for number in range(60)]
    second = listed("page=2", many)

    assert (second.number, second.pages, second.first, second.last, len(second.found)) == (2, 3, 26, 50, 60)
    assert listed("page=77", many).number == 3
    assert listed("page=-3&size=9999999", many).number == 1
    assert len(listed("size=50", many).rows) == 50
    assert (listed("q=nobody", many).first, listed("q=nobody", many).last) == (0, 0)


@pytest.mark.parametrize("query", ["sort=secret", "sort=-", "sort=--name", "page=x&size=x", "q=%00%E2%80%AE"])
def test_what_the_address_says_wrongly_is_left_out(query: str) -> None:
    assert len(listed(query).rows) == 4


def test_the_address_keeps_the_rest_and_goes_to_the_first_page_when_the_order_changes() -> None:
    query = "from=2024-05-01&state=a&state=b&q=zo&sort=name&page=2&_external=1&size=50"
    with Flask("listing").test_request_context(f"/table?{query}"):
        listing = listing_of(GUESTS, COLUMNS, lambda one: (one.name,))
        turned, next_page = urlsplit(listing.turned("name")), parse_qs(urlsplit(listing.address(page=3)).query)
        figures = parse_qs(urlsplit(listing.turned("minutes")).query)

    assert turned.path == "/table"
    assert parse_qs(turned.query) == {
        "from": ["2024-05-01"], "state": ["a", "b"], "_external": ["1"], "q": ["zo"], "sort": ["-name"], "size": ["50"],
    }  # fmt: skip
    assert next_page["page"] == ["3"]
    assert next_page["sort"] == ["name"]
    assert figures["sort"] == ["-minutes"]  # of figures, the highest come first


@pytest.mark.parametrize(
    ("form", "chosen"),
    [
        ([("person", "1"), ("person", "4")], [1, 4]),
        ([("every", "yes"), ("q", "")], [1, 2, 3, 4]),
        ([("every", "yes"), ("q", "arm"), ("person", "1")], [2, 3]),
        ([("person", "9"), ("person", "x"), ("person", "-1")], []),
        ([("q", "arm")], []),
    ],
)
def test_a_choice_is_the_ticks_or_all_that_the_search_found(form: list[tuple[str, str]], chosen: list[int]) -> None:
    assert chosen_of(MultiDict(form), GUESTS, lambda one: (one.name,), lambda one: one.id) == chosen
