"""A large gallery is made beside the frames; what is shown is whole at every moment."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from attendance.service.access.gallery_watch import GalleryWatch
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON, make_template
from tests.fakes import FakeClock

PATIENCE_S = 20.0


def enrol(sessions: Sessions, keys: Keys, name: str, seed: int) -> None:
    with sessions.begin() as session:
        person = people.create_person(session, name=name, at=NOON)
        templates.add_template(session, keys, person.id, make_template(seed), "upload", {}, None, at=NOON)


class Slow:
    """Galleries that are made when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.begun, self.error = threading.Event(), threading.Event(), ""
        inner = templates.load_gallery

        def slowly(*args: Any) -> Any:
            self.begun.set()
            assert self.go.wait(PATIENCE_S)
            if self.error:
                raise RuntimeError(self.error)
            return inner(*args)

        monkeypatch.setattr(templates, "load_gallery", slowly)


def finished(watch: GalleryWatch) -> None:
    """Wait for the thread."""
    for thread in threading.enumerate():
        if thread.name == "gallery":
            thread.join(PATIENCE_S)


def test_the_old_gallery_serves_until_the_new_one_is_there(
    sessions: Sessions, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(sessions, keys, "Anna", 1)
    clock = FakeClock()
    watch = GalleryWatch(sessions, keys, MODEL, clock, beside=1)
    assert watch.load().gallery.size == 1
    slow = Slow(monkeypatch)
    enrol(sessions, keys, "Bert", 2)
    clock.advance(2)
    view = watch.refresh()
    assert slow.begun.wait(PATIENCE_S) and view.gallery.size == 1 and not view.stale
    clock.advance(2)
    assert watch.refresh().gallery.size == 1
    slow.go.set()
    finished(watch)
    clock.advance(2)
    assert watch.refresh().gallery.size == 2


def test_if_it_takes_too_long_the_door_refuses(sessions: Sessions, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(sessions, keys, "Anna", 1)
    clock = FakeClock()
    watch = GalleryWatch(sessions, keys, MODEL, clock, beside=1)
    watch.load()
    slow = Slow(monkeypatch)
    enrol(sessions, keys, "Bert", 2)
    for _ in range(20):
        clock.advance(2)
        view = watch.refresh()
    assert view.stale and not watch.refresh(lasts=timedelta(minutes=5)).stale
    slow.go.set()
    finished(watch)
    # The gallery is as old as the moment at which its making began.
    clock.advance(2)
    watch.refresh()
    clock.advance(2)
    assert not watch.refresh().stale and watch.view.gallery.size == 2


def test_an_error_is_told_and_tried_again(
    sessions: Sessions, keys: Keys, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    enrol(sessions, keys, "Anna", 1)
    clock = FakeClock()
    watch = GalleryWatch(sessions, keys, MODEL, clock, beside=1)
    watch.load()
    slow = Slow(monkeypatch)
    slow.go.set()
    slow.error = "a template is damaged"
    enrol(sessions, keys, "Bert", 2)
    for _ in range(2):
        clock.advance(2)
        watch.refresh()
        finished(watch)
    assert "a template is damaged" in caplog.text
    slow.error = ""
    for _ in range(3):  # a thread may still end with the error, and is told of first
        clock.advance(2)
        watch.refresh()
        finished(watch)
    assert watch.view.gallery.size == 2


def test_one_camera_looks_it_up_and_the_others_do_not_wait(
    sessions: Sessions, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(sessions, keys, "Anna", 1)
    clock = FakeClock()
    watch = GalleryWatch(sessions, keys, MODEL, clock)
    watch.load()
    slow = Slow(monkeypatch)
    enrol(sessions, keys, "Bert", 2)
    clock.advance(2)
    first = threading.Thread(target=watch.refresh)
    first.start()
    assert slow.begun.wait(PATIENCE_S)
    assert watch.refresh().gallery.size == 1
    slow.go.set()
    first.join(PATIENCE_S)
    assert watch.refresh().gallery.size == 2


def test_what_was_being_made_while_a_camera_began_is_never_put_in_place_later(
    sessions: Sessions, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(sessions, keys, "Anna", 1)
    clock = FakeClock()
    watch = GalleryWatch(sessions, keys, MODEL, clock, beside=1)
    watch.load()
    slow = Slow(monkeypatch)
    slow.go.set()
    enrol(sessions, keys, "Bert", 2)
    clock.advance(2)
    watch.refresh()
    finished(watch)
    assert watch.load().gallery.size == 2, "another camera begins"
    for _ in range(20):
        clock.advance(2)
        watch.refresh()
    enrol(sessions, keys, "Carl", 3)
    for _ in range(3):
        clock.advance(2)
        assert not watch.refresh().stale, "a gallery of then would refuse everybody"
        finished(watch)
    assert watch.view.gallery.size == 3
