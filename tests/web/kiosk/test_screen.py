"""The screen beside a camera: each decision once, and streams that end."""

from __future__ import annotations

from datetime import timedelta

from attendance.service.kiosk.screen import Screen
from attendance.store.people import people
from attendance.web.kiosk.screen import end_streams
from attendance.web.kiosk.tablet import EXTENSION
from tests.factories import NOON
from tests.site_fixtures import Web
from tests.web.kiosk.conftest import Tablet, add_tablet


def test_a_screen_shows_what_its_camera_decided_each_once(web: Web, anna: int) -> None:
    screen = Screen(web.sessions, web.clock, web.app.extensions["attendance"].zone, "door")
    web.passage(NOON - timedelta(minutes=1), anna)  # too long ago to greet anybody
    assert screen.news() == []
    web.passage(NOON, anna)
    web.passage(NOON, anna, camera="back door")
    refused = web.passage(NOON + timedelta(seconds=1))
    (_, greeted), (refused_id, told) = screen.news()

    assert (greeted.state, greeted.name, greeted.event) == ("greet", "Anna", None)
    assert greeted.advice == "In at 14:00"
    assert (refused_id, told.words) == (refused, "Not recognised")
    assert screen.news() == []
    with web.sessions.begin() as session:
        people.delete_person(session, anna, at=web.clock.now())
    assert Screen(web.sessions, web.clock, web.app.extensions["attendance"].zone, "door").news()[0][1] == told


def test_a_stream_beyond_the_cap_gives_its_news_and_ends_and_goes_on_where_it_stopped(web: Web, anna: int) -> None:
    while web.app.extensions[EXTENSION].streams.acquire(blocking=False):
        pass
    first = web.passage(NOON, anna)
    screen = Tablet(web, add_tablet(web, "screen", screen_of="door"))
    assert screen.client.get("/kiosk/").location == "/kiosk/screen"
    text = screen.client.get("/kiosk/stream").get_data(as_text=True)

    assert text.startswith("retry: 3000\n\n")
    assert f"id: {first}\ndata: " in text
    again = screen.client.get("/kiosk/stream", headers={"Last-Event-ID": first}).get_data(as_text=True)
    assert again == "retry: 3000\n\n"
    assert "id:" in screen.client.get("/kiosk/stream", headers={"Last-Event-ID": "x\n"[:1]}).get_data(as_text=True)


def test_a_streams_place_is_free_again_when_the_browser_went(web: Web, anna: int) -> None:
    screen = Tablet(web, add_tablet(web, "screen", screen_of="door"))
    streams = web.app.extensions[EXTENSION].streams
    before = streams._value
    answer = screen.client.get("/kiosk/stream", buffered=False)
    assert streams._value == before - 1
    answer.close()  # before a single line was read

    assert streams._value == before


def test_streams_end_when_the_server_does(web: Web, anna: int) -> None:
    screen = Tablet(web, add_tablet(web, "screen", screen_of="door"))
    passage = web.passage(NOON, anna)
    end_streams(web.app)
    text = screen.client.get("/kiosk/stream").get_data(as_text=True)

    assert text.startswith("retry: 1000\n\n")
    assert f"id: {passage}\n" in text


def test_a_tablet_has_no_stream(web: Web, tablet: Tablet) -> None:
    assert tablet.client.get("/kiosk/stream").status_code == 409
    assert tablet.client.get("/kiosk/screen").location == "/kiosk/"
