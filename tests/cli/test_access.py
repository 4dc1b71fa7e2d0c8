"""The commands of the log."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

from attendance.config import load_settings
from attendance.store.access import events
from attendance.store.session import make_engine, sessions
from tests import factories
from tests.cli.conftest import Here


def record(here: Here, *at: datetime) -> None:
    engine = make_engine(load_settings(here.config).database.url)
    with sessions(engine).begin() as session:
        for each in at:
            events.record_passage(session, factories.make_passage(each))
    engine.dispose()


def test_events_are_listed_and_exported_by_local_days(here: Here) -> None:
    here.good("init")
    late = datetime(2024, 5, 6, 22, 30, tzinfo=UTC)  # the next day already, in Berlin
    record(here, late, late + timedelta(days=2))
    berlin = ("--set", "site.timezone=Europe/Berlin", "events")

    listed = here.good(*berlin, "list", "--since", "2024-05-07", "--until", "2024-05-07").splitlines()
    assert len(listed) == 2
    assert listed[1].startswith("2024-05-07 00:30:00  door    face  granted  (erased)  recognised")

    rows = list(csv.DictReader(io.StringIO(here.good(*berlin, "export"))))
    assert [row["time_local"] for row in rows] == ["2024-05-09T00:30:00+02:00", "2024-05-07T00:30:00+02:00"]

    target = here.folder / "out.csv"
    assert "1 rows" in here.good(*berlin, "export", "--csv", str(target), "--until", "2024-05-07")
    assert target.read_bytes().startswith(b"\xef\xbb\xbftime_utc,")
    assert "cannot write" in here.refused("events", "export", "--csv", str(here.folder / "no" / "out.csv"))
    assert "is after --until" in here.refused("events", "list", "--since", "2024-05-08", "--until", "2024-05-07")


def test_the_decision_table_is_printed(here: Here) -> None:
    printed = here.good("access", "table")

    assert "| 1 | ann | front | face | Mon 10:00 |  | **grant** | 3 |  |" in printed
    assert printed.count("\n| ") > 120


def test_a_new_site_says_that_nobody_passes_until_somebody_chooses_who_does(here: Here) -> None:
    assert "access default-level everybody" in here.good("init")

    assert "there are: everybody" in here.refused("access", "default-level", "nobody")
    assert here.good("access", "default-level", "everybody") == "everybody: given to 0 people\n"
    assert "nobody passes" not in here.good("init")
    assert "no access level" in here.good("access", "default-level", "none")
