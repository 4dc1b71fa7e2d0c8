"""The acceptance test on site, from a file and with an operator, and what its signature is worth."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance.config import load_settings
from attendance.domain.faces import Template
from attendance.domain.reason import Reason
from attendance.store import tables
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.store.crypto import load_keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions, make_engine, sessions
from tests.cli.conftest import Here
from tests.factories import NOON, make_passage, vector_of
from tests.vision import networks

MODEL = networks.RECOGNISER


@dataclass(frozen=True)
class Door:
    """An installation with a threshold and two people, Anna (1) and Bert (2)."""

    here: Here
    sessions: Sessions

    def passage(self, second: float, person: int | None = None, **changes: Any) -> str:
        at = NOON + timedelta(seconds=second)
        values: dict[str, Any] = {"camera": "entrance", "model_id": MODEL, "person_id": person}
        if person is None:
            values |= {"granted": False, "reason": Reason.UNKNOWN}
        passage = make_passage(at, **values | changes)
        with self.sessions.begin() as session:
            events.record_passage(session, passage)
        return passage.id

    def csv(self, *lines: str) -> str:
        path = self.here.folder / "attempts.csv"
        path.write_text("\n".join(["kind,person,from,to,outcome", *lines]) + "\n", encoding="utf-8")
        return str(path)

    def test(self, *lines: str) -> dict[str, Any]:
        """The report of these attempts."""
        self.here.good("acceptance", "--operator", "Ada", "--attempts", self.csv(*lines), "--out", str(self.out))
        (path,) = self.out.glob("*.json")
        return dict(json.loads(path.read_text(encoding="utf-8"))["content"])

    @property
    def out(self) -> Path:
        return self.here.folder / "report"

    @property
    def written(self) -> list[Path]:
        return list(self.out.glob("*")) if self.out.exists() else []


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    for variable in [name for name in os.environ if name.startswith("ATTENDANCE")]:
        monkeypatch.delenv(variable)
    weights = tmp_path / "weights"
    weights.mkdir()
    networks.write_detector(weights)
    networks.write_recogniser(weights)
    (tmp_path / "config.toml").write_text(
        f'[models]\nweights_dir = "weights"\ndetector = "{networks.DETECTOR}"\nrecogniser = "{MODEL}"\n'
    )
    here = Here(tmp_path)
    here.good("init")
    made = sessions(make_engine(load_settings(here.config).database.url))
    keys = load_keys(tmp_path / "var" / "master.key", {})
    with made.begin() as session:
        for number, name in enumerate(("Anna Berg", "Bert")):
            person = people.create_person(session, name=name, at=NOON)
            template = Template(vector_of((number,)), MODEL)
            templates.add_template(session, keys, person.id, template, "upload", {}, None, at=NOON)
        people.create_person(session, name="Carl", at=NOON)
        operating_points.set_point(
            session,
            model_id=MODEL,
            threshold=0.5,
            margin=0.05,
            source="administrator",
            gallery_size=2,
            at=NOON,
        )
    return Door(here, made)


def span(first: float, last: float) -> str:
    return ",".join((NOON + timedelta(seconds=second)).isoformat() for second in (first, last))


def test_what_the_door_recorded_is_what_the_report_says(door: Door) -> None:
    let_in = door.passage(5, 1, score=0.8)
    door.passage(15, score=0.4)
    door.passage(25, 2, score=0.6)
    door.passage(35, reason=Reason.TOO_SMALL, score=None, threshold=None)
    door.passage(45, 1, score=0.55)
    door.passage(55, score=0.3)
    door.passage(58, 2, camera="back door")
    door.passage(75, 1, score=0.8)  # within the cooldown: a repeat is a passage of its own
    content = door.test(
        f"enrolled,Anna Berg,{span(0, 10)},",
        f"enrolled,1,{span(10, 20)},",
        f"enrolled,anna berg,{span(20, 30)},",
        f"enrolled,2,{span(30, 40)},",
        f"stranger,S1,{span(40, 50)},",
        f"stranger,S2,{span(50, 60)},",
        f"enrolled,1,{span(70, 80)},",
        f"stranger,S3,{span(80, 90)},",
        f"enrolled,2,{span(90, 99)},refused",
    )
    outcomes = [(one["person"], one["outcome"], one["told_by"]) for one in content["attempts"]]
    assert outcomes == [
        ("person 1", "let in", "passage"),
        ("person 1", "refused", "passage"),
        ("person 1", "taken for another", "passage"),
        ("person 2", "no usable face", "passage"),
        ("S1", "let in", "passage"),
        ("S2", "refused", "passage"),
        ("person 1", "let in", "passage"),
        ("S3", "no usable face", "operator"),
        ("person 2", "refused", "operator"),
    ]
    assert content["attempts"][0]["passage"] == let_in
    counts = {name: (one["errors"], one["attempts"]) for name, one in content["rates"].items()}
    assert counts == {"fnir": (3, 5), "fpir": (1, 2), "fta": (2, 9)}
    assert content["threshold"]["threshold"] == 0.5
    assert content["people_enrolled"] == 2
    assert (content["operator"], content["camera"], content["model_id"]) == ("Ada", "entrance", MODEL)
    assert re.fullmatch("[0-9a-f]{64}", content["sha256"][f"{MODEL}.onnx"])


def test_a_face_before_a_second_proof_has_passed_and_a_wrong_name_counts_behind_a_shut_door_too(door: Door) -> None:
    asked = door.passage(5, 1, granted=False, reason=Reason.SECOND_FACTOR, score=0.8)
    door.passage(15, 2, granted=False, reason=Reason.SECOND_FACTOR, score=0.6)
    taken = door.passage(25, 1, granted=False, reason=Reason.SECOND_FACTOR, score=0.6)
    door.passage(35, 1, granted=False, reason=Reason.NO_RIGHT, score=0.6)
    door.passage(45, 1, granted=False, reason=Reason.NO_RIGHT, score=0.8)
    content = door.test(
        f"enrolled,1,{span(0, 10)},", f"enrolled,1,{span(10, 20)},", f"stranger,S1,{span(20, 30)},",
        f"stranger,S2,{span(30, 40)},", f"enrolled,1,{span(40, 50)},",
    )  # fmt: skip
    outcomes = [(one["outcome"], one["passage"]) for one in content["attempts"]]
    assert outcomes[0] == ("let in", asked) and outcomes[2] == ("let in", taken)
    assert [one for one, _ in outcomes] == ["let in", "taken for another", "let in", "let in", "refused"]
    assert content["rates"]["fpir"]["errors"] == 2 and content["rates"]["fnir"]["errors"] == 2


@pytest.mark.parametrize(
    ("source", "fpir", "stated"),
    [
        ("calibration", 0.004, 0.005),
        ("calibration", None, None),
        ("card default", 0.004, None),
        ("administrator", 0.004, None),
    ],
)
def test_a_report_names_a_risk_only_where_the_threshold_came_from_it(
    door: Door, source: str, fpir: float | None, stated: float | None
) -> None:
    with door.sessions.begin() as session:  # none: the program kept a threshold for which there is no number now
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.6, margin=0.05, source=source, gallery_size=2, at=NOON,
            basis=operating_points.Basis(0.005, 2, "estimated", "2 people", fpir),
        )  # fmt: skip
    content = door.test(f"stranger,S1,{span(0, 10)},refused")
    assert content["threshold"]["accepted_risk"] == stated
    assert content["threshold"]["compared_by"] == "best photo"


def test_the_outcome_of_a_file_counts_only_where_the_door_recorded_nothing(door: Door) -> None:
    door.passage(5, 1, score=0.8)
    content = door.test(f"stranger,S1,{span(0, 10)},refused", f"stranger,S2,{span(20, 30)},refused")
    outcomes = [(one["outcome"], one["told_by"]) for one in content["attempts"]]
    assert outcomes == [("let in", "passage"), ("refused", "operator")]


def test_a_threshold_that_changed_during_the_test_ends_it(door: Door) -> None:
    with door.sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.7, margin=0.05, source="administrator", gallery_size=2,
            at=NOON + timedelta(seconds=15),
        )  # fmt: skip
    file = door.csv(f"stranger,S1,{span(0, 10)},refused", f"stranger,S2,{span(20, 30)},refused")
    said = door.here.refused("acceptance", "--operator", "Ada", "--attempts", file, "--out", str(door.out))
    assert "another threshold was put in force" in said and "repeat the test" in said
    assert door.written == []


def test_the_report_names_nobody(door: Door) -> None:
    door.passage(5, 1)
    door.test(f"enrolled,Anna Berg,{span(0, 10)},")
    for path in door.written:
        assert b"Anna" not in path.read_bytes()


def test_two_files_are_written_and_their_hash_is_right(door: Door) -> None:
    door.test(f"stranger,S1,{span(0, 10)},refused")
    page, report_file = sorted(door.written, key=lambda path: path.suffix, reverse=True)
    assert (page.suffix, report_file.suffix) == (".pdf", ".json")
    assert page.read_bytes().startswith(b"%PDF")
    for path in (page, report_file):
        said = door.here.good("acceptance", "verify", str(path))
        assert "the report is unchanged" in said
        assert "signed by this site" in said
        assert "the PDF beside it is the one that was written" in said
    page.unlink()
    assert "the PDF is not beside it" in door.here.good("acceptance", "verify", str(report_file))


@pytest.mark.parametrize(
    ("old", "new"),
    [('"errors": 0', '"errors": 1'), ('"outcome": "refused"', '"outcome": "let in"'), ('"Ada"', '"Eve"')],
)
def test_a_changed_content_breaks_the_signature(door: Door, old: str, new: str) -> None:
    door.test(f"stranger,S1,{span(0, 10)},refused")
    (report_file,) = door.out.glob("*.json")
    text = report_file.read_text(encoding="utf-8")
    assert old in text
    report_file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert "the signature of" in door.here.refused("acceptance", "verify", str(report_file))


def test_a_changed_page_and_a_foreign_report_are_found(door: Door) -> None:
    door.test(f"stranger,S1,{span(0, 10)},refused")
    (report_file,) = door.out.glob("*.json")
    page = report_file.with_suffix(".pdf")
    whole = page.read_bytes()
    page.write_bytes(whole + b" ")
    assert "not the page that belongs" in door.here.refused("acceptance", "verify", str(report_file))
    page.write_bytes(whole)
    report = json.loads(report_file.read_text(encoding="utf-8"))
    report_file.write_text(json.dumps(report | {"mark": "0" * 64}), encoding="utf-8")
    result = door.here("acceptance", "verify", str(report_file))
    assert result.exit_code == 2
    assert "the report is unchanged" in result.stdout
    assert "this site did not sign it" in result.stderr


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"content": 3}', '{"content": {}, "seal": 1}'])
def test_what_is_no_report_is_refused(door: Door, text: str) -> None:
    path = door.here.folder / "some.json"
    path.write_text(text)
    assert "is not a signed report" in door.here.refused("acceptance", "verify", str(path))
    assert "there is no file" in door.here.refused("acceptance", "verify", str(path.with_name("other.json")))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"visitor,S1,{span(0, 10)},", "kind is enrolled or stranger"),
        (f"enrolled,Nobody,{span(0, 10)},", "0 active people are called Nobody"),
        (f"enrolled,Carl,{span(0, 10)},", "no photo enrolled"),
        (f"enrolled,,{span(0, 10)},", "say who this is"),
        (f"stranger,S1,{span(10, 0)},", "ends before it begins"),
        ("stranger,S1,noon,later,", "a time is written"),
        (f"stranger,S1,{span(0, 10)},perhaps", "outcome is"),
        (f"stranger,S1,{span(0, 10)},taken for another", "let in"),
        ("stranger,S1,2024-05-06T12:00:00,2999-01-01T00:00:00,refused", "later than now"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(door: Door, line: str, words: str) -> None:
    file = door.csv(f"stranger,S0,{span(0, 10)},refused", line)
    said = door.here.refused("acceptance", "--operator", "Ada", "--attempts", file, "--out", str(door.out))
    assert "line 3: " in said
    assert words in said
    assert door.written == []


def test_a_file_without_columns_or_lines_is_refused(door: Door) -> None:
    path = door.here.folder / "empty.csv"
    for text, words in (
        ("", "is empty; the first line must hold: kind, person, from, to"),
        ("a,b\n1,2\n", "the column kind is missing"),
        ("kind,person,from,to\n", "lists no"),
    ):
        path.write_text(text)
        assert words in door.here.refused("acceptance", "--operator", "Ada", "--attempts", str(path))
    assert "there is no file" in door.here.refused("acceptance", "--operator", "Ada", "--attempts", "nowhere.csv")


def test_an_operator_is_asked_and_may_take_back(door: Door) -> None:
    """Nothing is recorded in this time, so that the operator says what happened."""
    answers = [
        "f",
        "e",
        "Nobody",
        "e",
        "Anna Berg",
        "",
        "l",
        "y",
        "s",
        "S1",
        "",
        "r",
        "y",
        "s",
        "S2",
        "",
        "l",
        "y",
        "u",
    ]
    answers += ["s", "S3", "", "n", "n", "f"]
    typed = "\n".join(["Ada", *answers]) + "\n"
    said = door.here.good("acceptance", "--out", str(door.out), typed=typed)
    assert "nobody has tried the door yet" in said
    assert "0 active people are called Nobody" in said
    assert "taken back: S2" in said
    (path,) = door.out.glob("*.json")
    content = json.loads(path.read_text(encoding="utf-8"))["content"]
    assert [(one["person"], one["outcome"]) for one in content["attempts"]] == [
        ("person 1", "let in"),
        ("S1", "refused"),
    ]
    assert "strangers let in" in said


@pytest.mark.parametrize("end", ["q\n", ""])
def test_an_interrupted_test_leaves_nothing(door: Door, end: str) -> None:
    result = door.here("acceptance", "--out", str(door.out), typed="Ada\ns\nS1\n\nr\ny\n" + end)
    assert result.exit_code == 1
    assert door.written == []


def test_without_a_threshold_there_is_nothing_to_accept(door: Door) -> None:
    with door.sessions.begin() as session:
        session.query(tables.calibration.OperatingPoint).delete()
    assert "threshold" in door.here.refused("acceptance", "--operator", "Ada", "--out", str(door.out))
