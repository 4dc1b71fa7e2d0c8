"""/attendance/import: a file's report, other ways of reading it, taking it in and back."""

from __future__ import annotations

import io
import re

from attendance.store.hours import imports
from tests.site_fixtures import Browser, Web
from tests.web.hours.conftest import FRIDAY

PAGE = "/attendance/import"
LINES = f"7\t{FRIDAY} 17:05:00\t1\t1\t1\t0\n".encode()


def looked_at(admin: Browser, data: bytes, name: str = "1_attlog.dat", **form: str) -> str:
    answer = admin.submit(f"{PAGE}/check", {"file": (io.BytesIO(data), name), **form}, follow_redirects=True)
    return answer.get_data(as_text=True)


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_file_is_looked_at_taken_in_and_taken_back(web: Web, anna: int, admin: Browser) -> None:
    page = looked_at(admin, LINES, device="Gate")
    assert "Take in 1 check-in" in page
    assert "closed at the end" in admin.text(f"/attendance/person/{anna}/{FRIDAY}")

    answer = admin.submit(PAGE, {"key": key_of(page)}, follow_redirects=True)

    assert "1 check-in is taken in." in answer.get_data(as_text=True)
    day = admin.text(f"/attendance/person/{anna}/{FRIDAY}")
    assert "17:05" in day and "Gate 1" in day and "closed at the end" not in day
    assert "1_attlog.dat" in admin.text(PAGE)
    assert "There is nothing new in this file." in looked_at(admin, LINES, device="Gate")
    assert "by terminal" in admin.text("/log") or "terminal" in admin.text("/log")
    with web.sessions() as session:
        import_id = imports.list_imports(session)[0].id
    admin.submit(f"{PAGE}/{import_id}/remove")
    assert "taken back" in admin.text(PAGE)
    assert "closed at the end" in admin.text(f"/attendance/person/{anna}/{FRIDAY}")


def test_what_hinders_is_named_and_other_choices_are_looked_at_again(web: Web, anna: int, admin: Browser) -> None:
    data = b"user;date;time\n7;03/05/2024;17:00\n99;03/05/2024;17:00\n7;03/05/2024;late\n"
    page = looked_at(admin, data, "gate.csv")
    assert "day first or month first" in page
    assert "Line 4" in page and "is not a valid time" in page
    assert "Take in 1 check-in" not in page

    fixed = looked_at(admin, data.replace(b"7;03/05/2024;late\n", b""), "gate.csv")
    answer = admin.submit(f"{PAGE}/check", {"key": key_of(fixed), "order": "day_first", "skip_unknown": "yes"})

    again = answer.get_data(as_text=True)
    assert "Take in 1 check-in" in again
    admin.submit(PAGE, {"key": key_of(again)})
    assert "17:00" in admin.text(f"/attendance/person/{anna}/{FRIDAY}")


def test_a_file_that_waits_no_more_and_a_file_of_another_kind_are_refused(admin: Browser) -> None:
    answer = admin.submit(PAGE, {"key": "nothing"}, follow_redirects=True)
    assert "This file is not here any more: choose it again" in answer.get_data(as_text=True)
    assert "must name the columns" in looked_at(admin, b"name,shift\nAnna,Early\n", "x.csv")
    assert "Choose a file" in admin.submit(f"{PAGE}/check", {}, follow_redirects=True).get_data(as_text=True)
