"""What is due once a night or once a week: done once, whoever asks, and again when it failed."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from attendance import jobs
from attendance.config import Settings
from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.alarms.delivery import Channels, deliver_due
from attendance.service.hours import periods, planning
from attendance.store.access import events
from attendance.store.operators import operators
from attendance.store.people import people
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from attendance.store.tables.alarms import OutboxMessage
from attendance.store.tables.hours import DayTotal
from tests.factories import make_passage
from tests.fakes import FakeClock

# A Tuesday, 10:00 in Berlin.
TUESDAY = datetime(2024, 5, 14, 8, tzinfo=UTC)


BERLIN = ZoneInfo("Europe/Berlin")


SETTINGS = Settings.model_validate({"site": {"timezone": "Europe/Berlin"}})


@pytest.fixture
def anna(sessions: Sessions) -> int:
    """Rostered; on Monday a week ago in and never out."""
    with sessions.begin() as session:
        person = people.create_person(session, name="Anna Berg", at=TUESDAY)
        shift = planning.save_shift(session, Shift("Office", (Span(540, 1020),)), now=TUESDAY)
        planning.assign(session, [person.id], date(2024, 5, 1), None, [shift.id], now=TUESDAY, by="test")
        came = TUESDAY - timedelta(days=8, hours=1)
        events.record_passage(session, make_passage(came, person_id=person.id, direction=Direction.IN))
    return person.id


def totals(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(DayTotal)) or 0


def test_the_roll_up_is_done_once_a_night(sessions: Sessions, anna: int) -> None:
    clock = FakeClock(TUESDAY)

    assert jobs.nightly(sessions, clock, SETTINGS) == 7
    assert jobs.nightly(sessions, clock, SETTINGS) is None
    clock.advance(86400)
    assert jobs.nightly(sessions, clock, SETTINGS) == 7
    assert totals(sessions) == 8


def test_while_days_are_computed_others_write(
    sessions: Sessions, anna: int, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computing, written = periods.sheet, []

    def slow(*arguments: Any, **options: Any) -> Any:
        other = sqlite3.connect(database, timeout=0)  # a door that does not wait
        other.execute("UPDATE settings SET updated_at = updated_at")
        other.commit()
        other.close()
        written.append(True)
        return computing(*arguments, **options)

    monkeypatch.setattr(periods, "sheet", slow)
    assert jobs.nightly(sessions, FakeClock(TUESDAY), SETTINGS) == 7
    with sessions.begin() as session:
        first, last = date(2024, 5, 8), date(2024, 5, 9)
        periods.close(session, first, last, grace=timedelta(0), now=TUESDAY, zone=BERLIN, by="test")
    # Once a night, and once for closing: the same days say whether a night still runs and what they came to.
    assert written == [True, True]


def test_a_night_is_written_in_short_steps_and_a_night_cut_short_is_done_again(
    sessions: Sessions, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periods, "MOST_ROWS", 2)
    steps, put = [], periods.period_rows.put_totals

    def power_cut(session: Any, rows: Any, *arguments: Any, **options: Any) -> int:
        steps.append(len(rows))
        if len(steps) == 2:
            raise KeyboardInterrupt
        return put(session, rows, *arguments, **options)

    monkeypatch.setattr(periods.period_rows, "put_totals", power_cut)
    with pytest.raises(KeyboardInterrupt):
        jobs.nightly(sessions, FakeClock(TUESDAY), SETTINGS)
    assert totals(sessions) == 2
    assert jobs.nightly(sessions, FakeClock(TUESDAY), SETTINGS) == 7
    assert (totals(sessions), steps) == (7, [2, 2, 2, 2, 2, 1])


def test_it_waits_until_the_night_is_well_on(sessions: Sessions, anna: int) -> None:
    half_past_midnight = TUESDAY.replace(hour=22) + timedelta(minutes=30)

    assert jobs.nightly(sessions, FakeClock(half_past_midnight), SETTINGS) is None


def test_passages_are_kept_for_ever_unless_a_number_of_days_is_set(sessions: Sessions, anna: int) -> None:
    assert jobs.forget_passages(sessions, FakeClock(TUESDAY), 0, BERLIN) == 0
    assert jobs.forget_passages(sessions, FakeClock(TUESDAY), 5, BERLIN) == 1


class MailHost:
    """As much of a mail server as one message needs; `refuses` turns the sender away."""

    def __init__(self) -> None:
        self.refuses = False
        self.messages: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rw", newline="\r\n") as lines:
                self._talk(lines)

    def _talk(self, lines: object) -> None:
        def say(text: str) -> None:
            lines.write(text + "\r\n")  # type: ignore[attr-defined]
            lines.flush()  # type: ignore[attr-defined]

        say("220 test")
        for line in lines:  # type: ignore[attr-defined]
            word = line[:4].strip().upper()
            if word == "DATA":
                say("354 go on")
                body = []
                for part in lines:  # type: ignore[attr-defined]
                    if part.rstrip() == ".":
                        break
                    body.append(part)
                self.messages.append("".join(body))
                say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("550 not you" if word == "MAIL" and self.refuses else "250 yes")


@pytest.fixture
def host() -> Iterator[MailHost]:
    host = MailHost()
    yield host
    host.socket.close()


def with_mail(host: MailHost) -> Settings:
    mail = {"host": "127.0.0.1", "port": host.port, "security": "none", "to": "lead@example.org, hr@example.org"}
    return Settings.model_validate({"site": {"timezone": "Europe/Berlin"}, "mail": mail})


def test_no_e_mail_is_sent_unless_a_server_is_set(sessions: Sessions, anna: int) -> None:
    assert jobs.weekly(sessions, FakeClock(TUESDAY), SETTINGS) is False


def deliver(sessions: Sessions, settings: Settings, at: datetime = TUESDAY) -> int:
    return deliver_due(sessions, FakeClock(at), Channels(jobs.server_of(settings.mail), "", "", "Site"))


def test_the_weekly_e_mail_names_what_to_look_at_and_is_sent_once(
    sessions: Sessions, anna: int, host: MailHost
) -> None:
    clock = FakeClock(TUESDAY)

    assert jobs.weekly(sessions, clock, with_mail(host))
    assert not jobs.weekly(sessions, clock, with_mail(host))
    assert deliver(sessions, with_mail(host)) == 1

    (message,) = host.messages
    assert "To: lead@example.org, hr@example.org" in message
    assert "Absent without leave: 6" in message
    assert "Days to look at: 1" in message
    with sessions() as session:
        # It named people: what was sent is not kept.
        assert session.scalars(select(OutboxMessage.payload)).all() == [{"kind": "the working time of a week"}]


def test_an_e_mail_that_no_server_took_is_tried_again(sessions: Sessions, anna: int, host: MailHost) -> None:
    host.refuses = True
    assert jobs.weekly(sessions, FakeClock(TUESDAY), with_mail(host))
    assert deliver(sessions, with_mail(host)) == 0

    host.refuses = False
    assert deliver(sessions, with_mail(host), TUESDAY + timedelta(minutes=1)) == 1
    assert len(host.messages) == 1
    assert "Days to look at: 1" in host.messages[0]


def test_a_mail_server_that_does_not_answer_holds_nobody_up(sessions: Sessions, anna: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        mail = {"host": "127.0.0.1", "port": silent.getsockname()[1], "security": "none", "to": "lead@example.org"}
        settings = Settings.model_validate({"site": {"timezone": "Europe/Berlin"}, "mail": mail})
        assert jobs.weekly(sessions, FakeClock(TUESDAY), settings)
        sent: list[int] = []
        sending = threading.Thread(target=lambda: sent.append(deliver(sessions, settings)))
        sending.start()
        connection, _ = silent.accept()  # the sender waits for a greeting now
        with connection:
            with sessions.begin() as session:
                events.record_passage(session, make_passage(TUESDAY, person_id=anna))
            # Another process finds the message taken, and does not even connect.
            assert deliver(sessions, settings) == 0
            assert sending.is_alive()
        sending.join(30)

    assert sent == [0]


def supervisors(sessions: Sessions) -> None:
    """Sue of the lab, Tim of the shop, Uma without an address; Anna is in the lab, Bo in the shop."""
    with sessions.begin() as session:
        for name, department in (("Anna Lab", "Lab"), ("Bo Shop", "Shop")):
            person = people.create_person(session, name=name, department=department, at=TUESDAY)
            shift = planning.save_shift(session, Shift(f"Office {name}", (Span(540, 1020),)), now=TUESDAY)
            planning.assign(session, [person.id], date(2024, 5, 1), None, [shift.id], now=TUESDAY, by="test")
        for name, department, email in (("sue", "Lab", "sue@example.org"), ("tim", "Shop", "tim@example.org"),
                                        ("uma", "Shop", "")):  # fmt: skip
            operators.create_operator(
                session,
                name,
                SecretHash("$argon2id$"),
                role="supervisor",
                at=TUESDAY,
                departments=[department],
                email=email,
            )


def test_each_supervisor_gets_the_week_of_their_departments_and_of_no_other(sessions: Sessions, host: MailHost) -> None:
    supervisors(sessions)
    settings = with_mail(host)

    assert jobs.weekly_to_supervisors(sessions, FakeClock(TUESDAY), settings) == 2
    assert jobs.weekly_to_supervisors(sessions, FakeClock(TUESDAY), settings) == 0
    assert deliver(sessions, settings) == 2

    mails = {re.search(r"^To: (.*)$", text, re.MULTILINE)[1].strip(): text for text in host.messages}  # type: ignore[index]
    assert sorted(mails) == ["sue@example.org", "tim@example.org"]
    assert "Departments: Lab." in mails["sue@example.org"]
    assert "Anna Lab" in mails["sue@example.org"] and "Bo Shop" not in mails["sue@example.org"]
    assert "Bo Shop" in mails["tim@example.org"] and "Anna Lab" not in mails["tim@example.org"]


def test_a_supervisor_s_e_mail_that_no_server_took_is_sent_again(sessions: Sessions, host: MailHost) -> None:
    supervisors(sessions)
    host.refuses = True
    assert jobs.weekly_to_supervisors(sessions, FakeClock(TUESDAY), with_mail(host)) == 2
    assert deliver(sessions, with_mail(host)) == 0

    host.refuses = False
    assert deliver(sessions, with_mail(host), TUESDAY + timedelta(minutes=1)) == 2


def test_no_supervisor_gets_e_mail_on_monday_before_six_or_when_deactivated(sessions: Sessions, host: MailHost) -> None:
    supervisors(sessions)
    monday = datetime(2024, 5, 13, 3, tzinfo=UTC)
    assert jobs.weekly_to_supervisors(sessions, FakeClock(monday), with_mail(host)) == 0
    with sessions.begin() as session:
        for one in operators.list_operators(session):
            one.active = one.username != "sue"

    assert jobs.weekly_to_supervisors(sessions, FakeClock(TUESDAY), with_mail(host)) == 1


@pytest.mark.parametrize("email", ["nobody", "a b@example.org", "a@b, c@d", "a@b\nBcc: c@d"])
def test_an_address_that_is_not_one_is_refused(sessions: Sessions, email: str) -> None:
    with pytest.raises(UserError, match="not a valid e-mail address"), sessions.begin() as session:
        operators.create_operator(session, "sue", SecretHash("$argon2id$"), role="viewer", at=TUESDAY, email=email)
