"""/system: alarms and checks."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from attendance.service.alarms.alarms import Recipients, clear_and_notify, raise_and_notify
from attendance.store.alarms import alarms, outbox
from attendance.web.kiosk.tablet import SCRIPTS
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


def sound(web: Web, *kinds: str) -> list[str]:
    with web.sessions.begin() as session:
        return [raise_and_notify(session, kind, "back", {}, NOON, Recipients()).id for kind in kinds]


def test_an_open_page_hears_what_nobody_acknowledged(web: Web, admin: Browser) -> None:
    lost, duress = sound(web, "camera lost", "duress")
    before = admin.get("/system/alarms").json
    assert before is not None
    assert {(one["id"], one["severity"]) for one in before["sounding"]} == {(lost, "fault"), (duress, "security")}
    assert admin.get("/system/alarms").json == before | {"rows": admin.get("/system/alarms").json["rows"]}  # type: ignore[index]

    admin.submit(f"/system/alarms/{lost}/acknowledge")
    after = admin.get("/system/alarms").json
    assert after is not None
    assert [one["words"] for one in after["sounding"]] == ["Somebody passed back under duress"]
    assert after["key"] != before["key"]
    assert "ada" in after["rows"]


def test_a_fire_mutes_held_and_forced_doors_only(web: Web, admin: Browser) -> None:
    sound(web, "door forced", "door held", "door tamper", "duress", "door offline")
    [fire] = sound(web, "door fire")
    now = admin.get("/system/alarms").json
    assert now is not None
    assert {one["words"] for one in now["sounding"]} == {
        "Somebody opened the case or the cable at the door back",
        "Somebody passed back under duress",
        "The device of the door back does not answer",
        "The fire system reports a fire at the door back",
    }
    assert now["rows"].count("Silent while there is a fire") == 2
    admin.submit(f"/system/alarms/{fire}/acknowledge")  # the fire goes on
    assert len(admin.get("/system/alarms").json["sounding"]) == 3  # type: ignore[index]
    with web.sessions.begin() as session:
        clear_and_notify(session, "door fire", "back", NOON, Recipients())
    assert len(admin.get("/system/alarms").json["sounding"]) == 5  # type: ignore[index]


def test_pages_of_whoever_may_not_see_alarms_and_of_tablets_have_no_sound(
    web: Web, admin: Browser, viewer: Browser, stranger: Browser
) -> None:
    assert "alarms.js" in admin.text("/doors")
    assert "alarms.js" not in viewer.text("/doors")
    assert viewer.get("/system/alarms").status_code == 403
    assert stranger.get("/system/alarms", headers={"Accept": "application/json"}).status_code == 401
    for template in Path(web.app.root_path).parents[1].glob("templates/kiosk/*.html"):
        assert "alarms.js" not in template.read_text(encoding="utf-8")
    assert not any("alarm" in name for name in SCRIPTS)


def test_each_duress_is_told_anew_though_an_earlier_one_was_acknowledged(web: Web, admin: Browser) -> None:
    """What happens at a moment has no end of its own: an open row would swallow every later one."""
    [first] = sound(web, "duress")
    assert sound(web, "duress") == [first], "while nobody looked it is counted"
    admin.submit(f"/system/alarms/{first}/acknowledge")
    page = admin.text("/system")
    assert "No alarm is open" in page
    assert page.index("Past alarms") < page.rindex("under duress")
    with web.sessions.begin() as session:
        second = raise_and_notify(session, "duress", "back", {}, NOON, Recipients(webhook=True))
        assert second.id != first
        assert outbox.count_waiting(session) == 1
    [lost] = sound(web, "camera lost")
    admin.submit(f"/system/alarms/{lost}/acknowledge")
    assert sound(web, "camera lost") == [lost], "this one lasts until pictures come again"


def test_an_alarm_that_an_older_version_left_open_swallows_no_later_one(web: Web) -> None:
    [first] = sound(web, "another's factor")
    with web.sessions.begin() as session:
        assert alarms.acknowledge(session, first, by="ada", at=NOON) is not None  # as it was, without an end
    assert sound(web, "another's factor") != [first]
