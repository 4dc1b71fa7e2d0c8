"""/attendance/corrections and /attendance/periods."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from attendance.domain.passage import Direction
from attendance.service.hours import corrections as service
from attendance.service.hours import periods as service_periods
from attendance.store.audit import entries
from attendance.store.hours import corrections, periods
from attendance.store.session import engine_of
from tests.site_fixtures import Browser, Web
from tests.web.hours.conftest import DAY, FRIDAY, at


def requested(web: Web, person_id: int, browser: Browser, **changes: Any) -> str:
    form = {"action": "add", "at": "17:00", "direction": "out", "reason": "Forgot."} | changes
    browser.submit(f"/attendance/person/{person_id}/{FRIDAY}/correct", form)
    with web.sessions() as session:
        return corrections.corrections(session)[0].id


def test_a_correction_waits_is_approved_and_counts(web: Web, anna: int, admin: Browser) -> None:
    row = requested(web, anna, admin)
    assert "Anna Berg" in admin.text("/attendance/corrections")

    admin.submit(f"/attendance/corrections/{row}", {"what": "approve"})

    page = admin.text(f"/attendance/person/{anna}/{FRIDAY}")
    assert "approved by ada" in page
    assert "closed at the end" not in page
    assert "Nobody waits" in admin.text("/attendance/corrections")


def test_a_correction_may_be_approved_at_once_and_taken_back(web: Web, anna: int, admin: Browser) -> None:
    row = requested(web, anna, admin, approve="yes")
    assert "approved" in admin.text("/attendance/corrections?state=approved")

    admin.submit(f"/attendance/corrections/{row}", {"what": "withdraw"})

    assert "closed at the end of the shift" in admin.text(f"/attendance/person/{anna}/{FRIDAY}")


def test_a_decision_about_nothing_is_said(admin: Browser) -> None:
    answer = admin.submit("/attendance/corrections/none", {"what": "approve"}, follow_redirects=True)

    assert "There is no such correction" in answer.get_data(as_text=True)


def test_a_closed_period_is_shown_refuses_and_reopens(web: Web, anna: int, admin: Browser) -> None:
    form = {"from": "2024-04-01", "to": FRIDAY.isoformat(), "grace": "0", "confirm": "yes"}
    admin.submit("/attendance/periods", form)
    assert "closed period" in admin.text(f"/attendance/person/{anna}/{FRIDAY}")

    refused = admin.submit(
        f"/attendance/person/{anna}/{FRIDAY}/correct",
        {"action": "add", "at": "17:00", "reason": "Forgot."},
        follow_redirects=True,
    )
    assert "is closed" in refused.get_data(as_text=True)

    with web.sessions() as session:
        lock = periods.locks(session)[0].id
    admin.submit(f"/attendance/periods/{lock}/reopen")
    assert "reopened" in admin.text("/attendance/periods")


def test_the_present_day_cannot_be_closed(admin: Browser) -> None:
    form = {"from": "2024-05-01", "to": DAY.isoformat(), "grace": "0", "confirm": "yes"}
    answer = admin.submit("/attendance/periods", form, follow_redirects=True)

    assert "once its last day is over" in answer.get_data(as_text=True)


def test_a_period_is_looked_at_before_it_is_closed(web: Web, anna: int, admin: Browser) -> None:
    requested(web, anna, admin)
    days = {"from": "2024-04-01", "to": FRIDAY.isoformat(), "grace": "3"}
    shown = admin.submit("/attendance/periods", days)  # not confirmed
    assert "/attendance/periods/preview?" in shown.location

    page = admin.text(shown.location)
    assert "Nothing is closed yet" in page
    assert "1 correction of these days waits for a decision" in page
    assert "1 day is in doubt" in page
    with web.sessions() as session:
        assert not periods.locks(session)

    admin.submit("/attendance/periods", days | {"confirm": "yes"})
    with web.sessions() as session:
        (lock,) = periods.locks(session)
        written = [total.worked for total in periods.totals_between(session, lock.first, lock.last)]
    # What was shown is what was written down.
    assert f'<dd class="big">{len(written)}</dd>' in page
    assert f'<dd class="big">{sum(written) // 3600}:{sum(written) // 60 % 60:02}</dd>' in page


def test_a_long_period_is_written_down_in_short_transactions(
    web: Web, anna: int, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_periods, "MOST_ROWS", 2)
    engine, rows, most = engine_of(web.sessions), 0, [0]

    def count(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        nonlocal rows
        if statement.startswith("INSERT INTO day_totals"):
            rows += len(parameters) if many else statement.count("(?") or 1

    def over(_connection: Any) -> None:
        nonlocal rows
        most.append(rows)
        rows = 0

    event.listen(engine, "after_cursor_execute", count)
    event.listen(engine, "commit", over)
    form = {"from": "2024-04-26", "to": "2024-05-02", "grace": "0", "confirm": "yes"}
    admin.submit("/attendance/periods", form)

    assert (max(most), sum(most)) == (2, 7)
    with web.sessions() as session:
        [lock] = periods.locks(session)
        assert len(periods.totals_between(session, lock.first, lock.last)) == 7
    assert "is closed already" in admin.submit("/attendance/periods", form, follow_redirects=True).get_data(
        as_text=True
    )


def test_a_preview_says_why_days_cannot_be_closed(admin: Browser) -> None:
    for query, words in (
        (f"from=2024-05-01&to={DAY}", "once its last day is over"),
        ("from=2024-05-01&to=2024-04-01", "swap them"),
        ("from=soon&to=2024-04-01", "a date was not understood"),
        ("from=2024-04-01&to=2024-04-30&grace=900", "days of grace"),
    ):
        answer = admin.get(f"/attendance/periods/preview?{query}", follow_redirects=True)
        assert words.lower() in answer.get_data(as_text=True).lower()


def ask_for(web: Web, person_id: int, minute: int) -> str:
    with web.sessions.begin() as session:
        return service.request_correction(
            session, person_id=person_id, action="add", reason="Forgot.", by="me", now=web.clock.now(),
            zone=web.app.extensions["attendance"].zone, at=at(17, minute, FRIDAY), direction=Direction.OUT,
        ).id  # fmt: skip


def states(web: Web) -> dict[str, str]:
    with web.sessions() as session:
        return {row.id: row.state for row in corrections.corrections(session)}


def test_ticked_corrections_are_approved_at_once_and_each_is_in_the_audit(web: Web, anna: int, admin: Browser) -> None:
    first, second, third = (ask_for(web, anna, minute) for minute in (0, 10, 20))
    assert f'value="{first}"' in admin.text("/attendance/corrections")

    answer = admin.submit(
        "/attendance/corrections", {"what": "approve", "correction": [first, third]}, follow_redirects=True
    )

    assert "2 corrections are approved." in answer.get_data(as_text=True)
    assert states(web) == {first: "approved", second: "requested", third: "approved"}
    with web.sessions() as session:
        acts = [(one.action, one.subject_id) for one in entries.list_entries(session)]
    assert {("approve_correction", first), ("approve_correction", third)} <= set(acts)


def test_all_that_a_search_found_are_refused_with_one_reason(web: Web, anna: int, admin: Browser) -> None:
    bo = web.add("Bo Dahl")
    mine, other = ask_for(web, anna, 0), ask_for(web, bo, 0)

    admin.submit("/attendance/corrections", {"what": "refuse", "every": "yes", "q": "anna", "note": "See me."})

    assert states(web) == {mine: "refused", other: "requested"}
    with web.sessions() as session:
        assert corrections.get_correction(session, mine).decision_note == "See me."


def test_what_cannot_be_decided_is_named_and_keeps_nothing_else_back(web: Web, anna: int, admin: Browser) -> None:
    bo = web.add("Bo Dahl")
    locked, free = ask_for(web, anna, 0), ask_for(web, bo, 0)
    with web.sessions.begin() as session:
        corrections.get_correction(session, free).day = DAY
        zone, now = web.app.extensions["attendance"].zone, web.clock.now()
        service_periods.close(session, FRIDAY, FRIDAY, grace=timedelta(0), now=now, zone=zone, by="ada")

    answer = admin.submit("/attendance/corrections", {"what": "approve", "every": "yes"}, follow_redirects=True)

    page = answer.get_data(as_text=True)
    assert "1 correction is approved." in page
    assert "Not decided for Anna Berg: " in page and "is closed" in page
    assert states(web) == {locked: "requested", free: "approved"}


def test_a_decision_leads_back_to_the_search_the_order_and_the_page(web: Web, anna: int, admin: Browser) -> None:
    form = {"action": "add", "at": "17:00", "direction": "out", "reason": "Forgot."}
    admin.submit(f"/attendance/person/{anna}/{FRIDAY}/correct", form)
    with web.sessions() as session:
        [row] = corrections.corrections(session)
    here = "/attendance/corrections?q=berg&sort=-day&size=50"
    assert admin.text(here).count('name="listed" value="/attendance/corrections?q=berg&amp;sort=-day&amp;size=50"') >= 3

    one = admin.submit(f"/attendance/corrections/{row.id}", {"what": "approve", "listed": here})
    assert one.headers["Location"] == here
    several = admin.submit("/attendance/corrections", {"what": "approve", "every": "yes", "q": "berg", "listed": here})
    assert several.headers["Location"] == here
    for other in ("/attendance/leave?q=berg", "https://example.org/?q=1", "/attendance/corrections?next=//x", ""):
        again = admin.submit("/attendance/corrections", {"what": "approve", "listed": other})
        assert again.headers["Location"] == "/attendance/corrections"


def test_choosing_nothing_is_said(web: Web, anna: int, admin: Browser) -> None:
    ask_for(web, anna, 0)

    answer = admin.submit("/attendance/corrections", {"what": "approve"}, follow_redirects=True)

    assert "Choose at least one correction." in answer.get_data(as_text=True)


def added(browser: Browser, person: int, day: str, **form: str) -> str:
    form = {"action": "add", "direction": "in", "reason": "Forgot.", "approve": "yes"} | form
    return browser.submit(f"/attendance/person/{person}/{day}/correct", form, follow_redirects=True).get_data(True)


def test_a_time_that_the_clock_skipped_is_refused_and_not_moved(web: Web, anna: int, admin: Browser) -> None:
    page = added(admin, anna, "2024-03-31", at="02:30")

    assert "the clock never showed 02:30" in page
    with web.sessions() as session:
        assert corrections.corrections(session) == []


def test_a_time_that_the_clock_showed_twice_is_asked_about(web: Web, anna: int, admin: Browser) -> None:
    day = "2023-10-29"
    assert 'name="which"' in admin.text(f"/attendance/person/{anna}/{day}")
    assert 'name="which"' not in admin.text(f"/attendance/person/{anna}/2023-10-31")

    assert "the clock showed 02:30 twice" in added(admin, anna, day, at="02:30")
    added(admin, anna, day, at="02:30", which="first")
    added(admin, anna, day, at="02:30", which="second", direction="out")

    with web.sessions() as session:
        instants = {f"{row.direction} {row.at:%H:%M}" for row in corrections.corrections(session)}
    assert instants == {"in 00:30", "out 01:30"}
    assert "1:00" in admin.text(f"/attendance/person/{anna}/{day}")
