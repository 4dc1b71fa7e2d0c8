"""Webhooks to a real receiver, signed; mails to a real server; attempts until they arrive."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from attendance.service.alarms.alarms import Recipients, clear_and_notify, raise_and_notify
from attendance.service.alarms.delivery import Channels, deliver_due, signature
from attendance.store.alarms import outbox
from attendance.store.session import Sessions
from tests.factories import NOON
from tests.fakes import FakeClock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """A web server that keeps what it is sent and answers with `code`."""

    code: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.code)
            if kept.code == 302:
                self.send_header("location", f"{kept.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def channels(receiver: Receiver) -> Channels:
    return Channels(None, receiver.url, SECRET, "Mill Lane")


def alarm(sessions: Sessions, to: Recipients) -> None:
    with sessions.begin() as session:
        raise_and_notify(session, "camera lost", "front", {}, NOON, to)
        raise_and_notify(session, "camera lost", "front", {}, NOON, to)  # told once


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of Standard Webhooks 1.0."""
    body = b'{"test": 2432232314}'

    assert signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_webhook_tells_what_is_wrong_and_nothing_of_people(sessions: Sessions, receiver: Receiver) -> None:
    alarm(sessions, Recipients(webhook=True))

    assert deliver_due(sessions, FakeClock(), channels(receiver)) == 1
    ((headers, body),) = receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    content = json.loads(body)
    assert content["type"] == "alarm.raised"
    assert set(content["data"]) == {"id", "kind", "subject", "severity", "title", "advice", "raised_at", "site"}
    assert content["data"]["title"] == "The camera front sends no pictures"
    assert deliver_due(sessions, FakeClock(), channels(receiver)) == 0


def test_a_receiver_in_trouble_is_asked_again_under_the_same_id(sessions: Sessions, receiver: Receiver) -> None:
    clock = FakeClock()
    alarm(sessions, Recipients(webhook=True))
    receiver.code = 503
    assert deliver_due(sessions, clock, channels(receiver)) == 0
    receiver.code = 200
    clock.advance(6)

    assert deliver_due(sessions, clock, channels(receiver)) == 1
    first, second = receiver.got
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert first[1] == second[1]


@pytest.mark.parametrize(("code", "waiting"), [(410, 0), (302, 1), (404, 1)])
def test_who_is_gone_is_asked_no_more_and_a_redirect_is_not_followed(
    sessions: Sessions, receiver: Receiver, code: int, waiting: int
) -> None:
    alarm(sessions, Recipients(webhook=True))
    receiver.code = code

    deliver_due(sessions, FakeClock(), channels(receiver))

    assert len(receiver.got) == 1
    with sessions() as session:
        assert outbox.count_waiting(session) == waiting


def test_the_end_of_an_alarm_is_told_too(sessions: Sessions, receiver: Receiver) -> None:
    to = Recipients(webhook=True)
    alarm(sessions, to)
    with sessions.begin() as session:
        clear_and_notify(session, "camera lost", "front", NOON, to)
        assert clear_and_notify(session, "camera lost", "front", NOON, to) is None

    assert deliver_due(sessions, FakeClock(), channels(receiver)) == 2
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["alarm.raised", "alarm.cleared"]


def test_without_a_mail_server_a_mail_waits(sessions: Sessions, receiver: Receiver) -> None:
    alarm(sessions, Recipients(mail="a@example.org"))

    assert deliver_due(sessions, FakeClock(), channels(receiver)) == 0
    with sessions() as session:
        assert outbox.count_waiting(session) == 1
