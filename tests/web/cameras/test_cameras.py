"""/cameras: how they are, where they look, and a picture for minutes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.faces import Region
from attendance.domain.passage import Direction
from attendance.store.cameras import cameras
from tests.site_fixtures import Browser, Web
from tests.web.cameras.conftest import stored, take_picture

EVERYTHING = {"left": "0", "top": "0", "right": "100", "bottom": "100"}


PART = {"left": "25", "top": "10.5", "right": "75", "bottom": "100"}


def test_whoever_may_not_add_a_camera_is_told_who_may(viewer: Browser) -> None:
    assert "An administrator or security officer adds" in viewer.text("/cameras")


def test_the_list_tells_health_direction_and_region_without_the_password(
    web: Web, door: int, admin: Browser, viewer: Browser
) -> None:
    for browser in (admin, viewer):
        page = browser.text("/cameras")
        assert all(words in page for words in ("door", "working", "everything", ">in<"))
        assert "pw@" not in page
    with web.sessions.begin() as session:
        cameras.set_region(session, "door", Region(0, 0, 0.5, 0.5))
    web.clock.advance(60)
    page = admin.text("/cameras")
    assert "25 % of the picture" in page
    assert "not watched" in page


def test_a_region_is_saved_shown_and_taken_back(web: Web, door: int, admin: Browser) -> None:
    assert admin.submit(f"/cameras/{door}", PART).status_code == 302
    assert stored(web).roi == [0.25, 0.105, 0.75, 1.0]
    page = admin.text(f"/cameras/{door}")
    assert "looks there within seconds" in page
    assert 'value="10.5"' in page

    admin.submit(f"/cameras/{door}", EVERYTHING)
    assert stored(web).roi is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"left": "80"},
        {"right": "27"},
        {"bottom": "101"},
        {"top": "-1"},
        {"left": ""},
        {"left": "NaN"},
        {"left": "sNaN"},
        {"right": "Infinity"},
        {"right": "1e400"},
        {"top": "<b>"},
    ],
)
def test_what_is_no_region_changes_nothing_and_is_explained(
    web: Web, door: int, admin: Browser, wrong: dict[str, str]
) -> None:
    admin.submit(f"/cameras/{door}", PART)
    answer = admin.submit(f"/cameras/{door}", PART | wrong)

    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert "Give a number from 0 to 100" in page or "Right must be right of left" in page
    assert stored(web).roi == [0.25, 0.105, 0.75, 1.0]


def test_a_viewer_sees_the_region_but_changes_nothing_and_sees_no_picture(
    web: Web, door: int, admin: Browser, viewer: Browser
) -> None:
    take_picture(web)
    page = viewer.text(f"/cameras/{door}")

    assert "picture?at=" not in page
    assert "Save" not in page
    assert viewer.get(f"/cameras/{door}/picture").status_code == 403
    assert viewer.get(f"/cameras/{door}/picture/state").status_code == 403
    assert viewer.submit(f"/cameras/{door}", PART).status_code == 403
    assert viewer.submit(f"/cameras/{door}/picture").status_code == 403
    assert stored(web).roi is None


def test_a_stranger_sees_nothing(web: Web, door: int, stranger: Browser) -> None:
    take_picture(web)
    for path in ("/cameras", f"/cameras/{door}", f"/cameras/{door}/picture"):
        assert stranger.get(path).status_code == 302


def test_a_picture_is_asked_for_shown_and_gone_after_its_time(web: Web, door: int, admin: Browser) -> None:
    assert admin.get(f"/cameras/{door}/picture").status_code == 404
    assert admin.submit(f"/cameras/{door}/picture").status_code == 302
    assert stored(web).snapshot_wanted_at == web.clock.now()
    assert "Waiting for a picture" in admin.text(f"/cameras/{door}")
    assert admin.get(f"/cameras/{door}/picture/state").json == {"picture": None}

    jpeg = take_picture(web)
    address = admin.get(f"/cameras/{door}/picture/state").json["picture"]  # type: ignore[index]
    answer = admin.get(address)
    assert (answer.data, answer.mimetype, answer.headers["Cache-Control"]) == (jpeg, "image/jpeg", "no-store")
    assert address in admin.text(f"/cameras/{door}")

    web.clock.advance(cameras.SNAPSHOT_LIVES.total_seconds() + timedelta(seconds=1).total_seconds())
    assert admin.get(address).status_code == 404
    assert address not in admin.text(f"/cameras/{door}")


def test_a_camera_that_is_not_there_is_not_found(admin: Browser) -> None:
    for path in ("/cameras/9", "/cameras/9/picture", "/cameras/9/picture/state"):
        assert admin.get(path).status_code == 404
    assert admin.submit("/cameras/9", PART).status_code == 404
    assert admin.submit("/cameras/9/picture").status_code == 404


def test_without_a_working_camera_no_picture_can_be_asked_for_but_a_region_can_be_set(
    web: Web, door: int, admin: Browser
) -> None:
    web.clock.advance(60)
    assert "There is no picture while the camera is not working" in admin.text(f"/cameras/{door}")
    assert admin.submit(f"/cameras/{door}", PART).status_code == 302


EDITED = {"title": "Main entrance", "direction": "out", "active": "y"}


def test_name_direction_and_use_are_edited_and_shown_everywhere(web: Web, door: int, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.passage(person_id=anna, camera="door")
    assert admin.submit(f"/cameras/{door}/edit", EDITED).status_code == 302
    camera = stored(web)
    assert (camera.title, camera.direction, camera.active) == ("Main entrance", "out", True)
    for path in ("/cameras", f"/cameras/{door}", "/", "/log", f"/people/{anna}"):
        assert "Main entrance" in admin.text(path), path
    assert '<option value="door">Main entrance</option>' in admin.text("/log")
    assert ",door," in admin.text("/log/log.csv")  # a file keeps the daemon's name

    admin.submit(f"/cameras/{door}/edit", EDITED | {"title": "", "active": ""})
    assert (stored(web).title, stored(web).active) == (None, False)
    assert "switched off" in admin.text("/cameras")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"direction": "up"}, "Choose a direction."),
        ({"title": "x" * 101}, "100 characters"),
        ({"title": "yard"}, "another"),
    ],
)
def test_a_wrong_edit_of_a_camera_changes_nothing(
    web: Web, door: int, admin: Browser, wrong: dict[str, str], words: str
) -> None:
    with web.sessions.begin() as session:
        cameras.claim(session, "yard", source="1", direction=Direction.IN, owner="two", at=web.clock.now())
    answer = admin.submit(f"/cameras/{door}/edit", EDITED | wrong)

    assert answer.status_code == 400
    assert words in answer.get_data(as_text=True)
    assert stored(web).direction == "in"


def test_a_viewer_edits_no_camera(web: Web, door: int, viewer: Browser) -> None:
    assert "Save" not in viewer.text(f"/cameras/{door}")
    assert viewer.submit(f"/cameras/{door}/edit", EDITED).status_code == 403
