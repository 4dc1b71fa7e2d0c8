"""/setup: the first administrator, by a one-time token."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.store.operators import operators
from tests.site_fixtures import Browser, Web

FORM = {"username": "grace", "password": "four tall green lamps", "repeat": "four tall green lamps"}


@pytest.fixture
def token(web: Web) -> str:
    with web.sessions.begin() as session:
        return operators.issue_token(session, at=web.clock.now())


def test_the_link_with_the_token_fills_it_in(stranger: Browser, token: str) -> None:
    assert f'value="{token}"' in stranger.text(f"/setup?token={token}")


def test_a_token_makes_an_administrator_who_is_signed_in(web: Web, stranger: Browser, token: str) -> None:
    answer = stranger.submit("/setup", FORM | {"token": f" {token} "})

    assert answer.status_code == 302
    assert "Welcome, grace" in stranger.text("/")
    with web.sessions() as session:
        made = operators.list_operators(session)[1]
    assert (made.username, made.role) == ("grace", "admin")
    assert made.password_hash.startswith("$argon2id$")


def test_a_token_works_once(web: Web, stranger: Browser, token: str) -> None:
    stranger.submit("/setup", FORM | {"token": token})
    again = web.browser().submit("/setup", FORM | {"token": token, "username": "mallory"})

    assert again.status_code == 400
    assert "unknown, used or too old" in again.get_data(as_text=True)


def test_a_token_that_is_too_old_does_nothing(web: Web, stranger: Browser, token: str) -> None:
    web.clock.time += timedelta(hours=25)

    assert stranger.submit("/setup", FORM | {"token": token}).status_code == 400


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "short", "repeat": "short"}, "Use 12 characters or more."),
        ({"repeat": "a different one"}, "The two passwords differ."),
        ({"username": "  "}, "Choose a user name."),
        ({"username": "ada"}, "taken"),
        ({"token": "wrong"}, "unknown, used or too old"),
    ],
)
def test_what_is_wrong_is_said_and_the_token_stays_good(
    stranger: Browser, token: str, change: dict[str, str], words: str
) -> None:
    wrong = stranger.submit("/setup", FORM | {"token": token} | change)

    assert wrong.status_code == 400
    assert words in wrong.get_data(as_text=True)
    assert stranger.submit("/setup", FORM | {"token": token}).status_code == 302


def test_passwords_are_never_sent_back(stranger: Browser, token: str) -> None:
    wrong = stranger.submit("/setup", FORM | {"token": "wrong"})

    assert FORM["password"] not in wrong.get_data(as_text=True)


def test_every_mistake_is_named_at_once_and_what_was_typed_stays(stranger: Browser) -> None:
    form = {"token": "made-up", "username": "grace", "password": "aaaaaaaaaaaa", "repeat": "different"}
    page = stranger.submit("/setup", form).get_data(as_text=True)

    for words in ("unknown, used or too old", "easily guessed", "The two passwords differ."):
        assert words in page
    assert 'value="made-up"' in page
    assert 'value="grace"' in page


def test_whoever_lacks_the_token_learns_no_user_names(stranger: Browser) -> None:
    page = stranger.submit("/setup", FORM | {"token": "made-up", "username": "ada"}).get_data(as_text=True)

    assert "unknown, used or too old" in page
    assert "taken" not in page


def test_the_setup_is_the_first_sign_in(web: Web, stranger: Browser, token: str) -> None:
    stranger.submit("/setup", FORM | {"token": token})

    with web.sessions() as session:
        assert operators.list_operators(session)[1].last_login_at == web.clock.now()
