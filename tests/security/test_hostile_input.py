"""Hostile text, control characters and megabytes, in every field."""

from __future__ import annotations

import re

from attendance.domain.reason import Reason
from tests.factories import ANNA
from tests.site_fixtures import Browser, Web

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def test_hostile_text_is_shown_as_text_everywhere(web: Web, admin: Browser) -> None:
    made = admin.submit(
        "/people/new", {"name": HOSTILE, "staff_number": HOSTILE[:90], "department": HOSTILE, "notes": HOSTILE}
    )
    assert made.status_code == 302
    admin.submit(
        "/people/1/consent", {"text": HOSTILE, "agreed": "y", "access": "y", "attendance": "y", "language": "en"}
    )
    web.enrol(1, ANNA)
    web.passage(person_id=1, camera=HOSTILE)
    web.passage(reason=Reason.FAULT, camera=HOSTILE)
    for path in (
        "/",
        "/people",
        "/people/1",
        "/people/1/edit",
        "/people/1/delete",
        "/log",
        "/threshold",
        f"/log?q={HOSTILE}&camera={HOSTILE}&outcome={HOSTILE}&from={HOSTILE}",
        f"/people?q={HOSTILE}",
    ):
        page = admin.text(path)
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "49" not in re.findall(r"onerror=alert\(1\)(?:&gt;|>)(\w*)", page), path
    assert "<script>alert" not in admin.get("/log/rows").json["rows"][0]["html"]


def test_control_characters_are_cut_away_and_lengths_are_held(web: Web, admin: Browser) -> None:
    fine = admin.submit("/people/new", {"name": "Anna\x00\x07\tBerg\u202e"})
    long = admin.submit("/people/new", {"name": "x" * 5000})

    assert fine.status_code == 302
    assert "<h1>Anna Berg</h1>" in admin.text("/people/1")
    assert long.status_code == 400
    assert "Use 200 characters or fewer." in long.get_data(as_text=True)


def test_a_form_of_megabytes_of_text_is_refused_whole(admin: Browser) -> None:
    assert admin.submit("/people/new", {"name": "x" * 5_000_000}).status_code == 413
