"""/system: alarms and checks."""

from __future__ import annotations

from sqlalchemy import text

from attendance.service.alarms.alarms import Recipients, clear_and_notify, raise_and_notify
from tests.factories import NOON
from tests.site_fixtures import Browser, Web


def raised(web: Web) -> str:
    with web.sessions.begin() as session:
        return raise_and_notify(session, "camera lost", "front", {}, NOON, Recipients()).id


def test_an_open_alarm_is_shown_with_what_to_do_and_on_today(web: Web, admin: Browser, viewer: Browser) -> None:
    assert "No alarm is open" in admin.text("/system")
    raised(web)

    page = admin.text("/system")
    assert "The camera front sends no pictures" in page
    assert "Check the camera&#39;s power" in page
    assert "1 alarm is open" in admin.text("/")
    assert "1 alarm is open" in viewer.text("/")
    assert "/system" not in viewer.text("/")


def test_who_acknowledges_is_noted_once_and_in_the_audit(web: Web, admin: Browser) -> None:
    alarm_id = raised(web)

    assert admin.submit(f"/system/alarms/{alarm_id}/acknowledge").status_code == 302
    assert "ada" in admin.text("/system")
    admin.submit(f"/system/alarms/{alarm_id}/acknowledge")

    assert "Somebody acknowledged this alarm before you" in admin.text("/system")
    with web.sessions() as session:
        rows = session.execute(text("SELECT action, subject_id, actor_name FROM audit_entries")).all()
    assert [tuple(row) for row in rows] == [("acknowledge_alarm", alarm_id, "ada")]
    assert admin.submit("/system/alarms/nothing/acknowledge").status_code == 404


def test_past_alarms_stay_to_be_read(web: Web, admin: Browser) -> None:
    raised(web)
    with web.sessions.begin() as session:
        clear_and_notify(session, "camera lost", "front", NOON, Recipients())

    page = admin.text("/system")
    assert "Past alarms" in page
    assert "No alarm is open" in page


def test_the_checks_say_what_was_found(admin: Browser) -> None:
    page = admin.text("/system")

    assert "Test write and master key" in page
    assert "a test was written, and the key fits" in page
    assert "no camera was ever watched" in page
