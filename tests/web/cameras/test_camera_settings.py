"""/cameras/new and /cameras/…/settings: a camera is added, changed and removed by a form."""

from __future__ import annotations

import re
from typing import Any

import pytest

from attendance.service.access.policy import door_rows
from attendance.service.cameras import addresses, watching
from attendance.store.access import doors
from attendance.store.audit import entries
from attendance.store.cameras import cameras
from tests.site_fixtures import Browser, Web

SECRET = "rtsp://viewer:hush@10.0.0.7/1"
NEW = {"name": "yard", "source": SECRET, "door": "1", "direction": "out", "rotate": "90", "computer": ""}


def served(web: Web, computer: str = "elsewhere") -> dict[str, watching.CameraSettings]:
    with web.sessions() as session:
        return {name: plan.settings for name, plan in watching.plans(session, web.keys, computer).items()}


def details(web: Web) -> list[dict[str, Any]]:
    with web.sessions() as session:
        found = entries.entries_after(session, 0, 100)
        return [entry.detail for entry in found if entry.action == "change_camera"]


def second_door(web: Web) -> int:
    with web.sessions.begin() as session:
        return door_rows.add(session, "back", web.clock.now())


@pytest.fixture
def yard(web: Web, admin: Browser) -> int:
    answer = admin.submit("/cameras/new", NEW | {"max_fps": "4,5"})
    found = re.fullmatch(r"/cameras/(\d+)", answer.location or "")
    assert found
    return int(found[1])


def test_an_empty_site_leads_to_the_form(web: Web, admin: Browser, viewer: Browser) -> None:
    for path in ("/", "/cameras"):
        assert 'href="/cameras/new"' in admin.text(path)
        assert 'href="/cameras/new"' not in viewer.text(path)
    assert "within seconds, without a restart" in admin.text("/cameras/new")


def test_a_camera_is_added_with_its_password_sealed(web: Web, yard: int, admin: Browser) -> None:
    settings = served(web)["yard"]
    assert (settings.source, settings.direction, settings.rotate, settings.max_fps) == (SECRET, "out", 90, 4.5)
    with web.sessions() as session:
        row = cameras.camera_by_id(session, yard)
        assert row is not None
        assert row.address is not None
        assert b"hush" not in row.address
        assert doors.door_at(session, "yard") is not None
    assert details(web) == [{"source": "rtsp://…@10.0.0.7/1", "added": True, "computer": "any", "door": 1}]
    for path in ("/cameras", f"/cameras/{yard}", f"/cameras/{yard}/settings", "/audit"):
        assert "hush" not in admin.text(path), path
    page = admin.text(f"/cameras/{yard}")
    assert all(words in page for words in ("rtsp://…@10.0.0.7/1", "any computer", "90° to the right"))


def test_every_wrong_field_is_named_at_its_place_and_nothing_is_added(web: Web, yard: int, admin: Browser) -> None:
    second_door(web)
    wrong = NEW | {
        "source": "10.0.0.7", "door": "", "direction": "up", "rotate": "45", "max_fps": "many", "read_timeout_s": "0",
        "reconnect_min_s": "nan",
    }  # fmt: skip
    answer = admin.submit("/cameras/new", wrong)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    for key, words in {
        "name": "There is a camera yard already",
        "source": "10.0.0.7 is not an address",
        "door": "Choose the door: there is back",
        "rotate": "Choose 0, 90, 180 or 270 degrees",
        "max_fps": "Enter a number above 0, 240 at most",
        "read_timeout_s": "Enter a number above 0, 300 at most",
        "reconnect_min_s": "Enter a number above 0, 3600 at most",
    }.items():
        assert re.search(rf'id="{key}-error">[^<]*{re.escape(words)}', page), key
    assert "Choose a direction" in page
    assert served(web).keys() == {"yard"}


def test_a_webcam_belongs_to_the_computer_of_the_field_else_to_this_one(web: Web, admin: Browser) -> None:
    admin.submit("/cameras/new", NEW | {"source": "0", "computer": "gatehouse"})
    admin.submit("/cameras/new", NEW | {"name": "front", "source": "1"})
    assert served(web, "gatehouse").keys() == {"yard"}
    assert served(web, addresses.this_computer()).keys() == {"front"}

    admin.submit("/cameras/2/settings", {"source": "2", "computer": "lodge", "rotate": "0"})
    assert served(web, "lodge").keys() == {"front"}
    answer = admin.submit("/cameras/2/settings", {"source": "", "computer": "", "rotate": "0"})
    assert "Only one computer has this webcam" in answer.get_data(as_text=True)
    assert served(web, "lodge").keys() == {"front"}


def test_a_file_is_kept_by_its_whole_path(web: Web, admin: Browser, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    admin.submit("/cameras/new", NEW | {"source": "clip.mp4"})
    assert served(web, addresses.this_computer())["yard"].source == str(tmp_path / "clip.mp4")
    assert admin.submit("/cameras/new", NEW | {"name": "b", "source": 3000 * "x"}).status_code == 400


def test_an_empty_address_stays_and_the_rest_is_changed(web: Web, yard: int, admin: Browser) -> None:
    back = second_door(web)
    page = admin.text(f"/cameras/{yard}/settings")
    assert 'value="4.5"' in page
    assert re.search(r'<option selected value="90">', page)
    assert re.search(r'<option selected value="1">', page)
    answer = admin.submit(f"/cameras/{yard}/settings", {"rotate": "0", "door": back, "computer": "lodge"})
    assert answer.location == f"/cameras/{yard}"

    settings = served(web, "lodge")["yard"]
    assert (settings.source, settings.rotate, settings.max_fps) == (SECRET, 0, 15.0)
    assert served(web) == {}
    with web.sessions() as session:
        door = doors.door_at(session, "yard")
        assert door is not None
        assert door.id == back
    assert details(web)[1] == {"source": "rtsp://…@10.0.0.7/1", "added": False, "computer": "lodge", "door": back}

    other = "rtsp://viewer:other@10.0.0.8/1"
    admin.submit(f"/cameras/{yard}/settings", {"source": other, "rotate": "0", "door": back, "computer": "lodge"})
    assert served(web, "lodge")["yard"].source == other


def test_an_address_that_the_key_does_not_open_is_entered_again(web: Web, yard: int, admin: Browser) -> None:
    with web.sessions.begin() as session:
        row = cameras.camera_by_id(session, yard)
        assert row is not None
        row.address = b"of another key"
    answer = admin.submit(f"/cameras/{yard}/settings", {"rotate": "0"})
    assert re.search(r'id="source-error">[^<]*enter it again', answer.get_data(as_text=True))
    admin.submit(f"/cameras/{yard}/settings", {"source": SECRET, "rotate": "0"})
    assert served(web)["yard"].source == SECRET


def test_a_removed_camera_is_gone_from_pages_and_its_name_is_free(web: Web, yard: int, admin: Browser) -> None:
    page = admin.submit(f"/cameras/{yard}/remove", follow_redirects=True).get_data(as_text=True)
    assert "The camera yard is removed" in page
    assert served(web) == {}
    assert admin.get(f"/cameras/{yard}").status_code == 404
    assert admin.get(f"/cameras/{yard}/settings").status_code == 404
    again = admin.submit(f"/cameras/{yard}/remove", follow_redirects=True).get_data(as_text=True)
    assert "not there any more" in again
    assert details(web)[1:] == [{"source": "rtsp://…@10.0.0.7/1", "removed": True}]
    assert "removed: yes" in admin.text("/audit")
    admin.submit("/cameras/new", NEW)
    assert served(web).keys() == {"yard"}


def test_a_tablet_s_name_is_taken(web: Web, admin: Browser) -> None:
    admin.submit("/kiosks", {"name": "yard", "shows": "", "direction": "in"})
    assert "A tablet has this name" in admin.submit("/cameras/new", NEW).get_data(as_text=True)


def test_use_direction_and_area_are_noted_too(web: Web, yard: int, admin: Browser) -> None:
    admin.submit(f"/cameras/{yard}/edit", {"title": "", "direction": "in"})
    admin.submit(f"/cameras/{yard}", {"left": "0", "top": "0", "right": "50", "bottom": "100"})
    assert details(web)[1:] == [{"direction": "in", "in_use": False}, {"what": "region"}]
    page = admin.text("/audit")
    assert "in use: no" in page
    assert "where it looks for faces" in page
