"""Commands that enrol, run in this process on real files."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from attendance import bootstrap
from attendance.config import load_settings
from attendance.store.calibration import operating_points
from attendance.store.session import make_engine, sessions
from tests import factories
from tests.cli.conftest import Here
from tests.fakes import FakeAnalyser


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> FakeAnalyser:
    """An analyser that takes a colour for a face, instead of the tiny networks."""
    analyser = FakeAnalyser()
    monkeypatch.setattr(bootstrap, "analyser_for", lambda settings: analyser)
    return analyser


def test_people_are_enrolled_from_photos_and_get_more_by_the_same_name(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")

    out = here.good(
        "enrol", "Anna Berg", here.photo("a.png", factories.ANNA), "--staff-number", "E1", "--consent", "Yes."
    )
    assert "Anna Berg: person 1, 1 of 1 photos" in out
    again = here.good("enrol", "anna  berg", here.photo("b.png", (200, 40, 100)))
    assert "person 1, 1 of 1" in again
    assert (here.count("people"), here.count("templates")) == (1, 2)
    assert "enrolled before" in here.good("enrol", "Anna Berg", str(here.folder / "a.png"))

    listed = here.good("--set", f"models.recogniser={colours.model_id}", "people", "list", "berg").splitlines()
    assert re.split(r"\s{2,}", listed[1]) == ["1", "Anna Berg", "E1", "yes", "2"]


def test_a_name_typed_in_another_form_of_unicode_is_the_same_person(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    here.good("enrol", "Zoë", here.photo("a.png", factories.ANNA), "--consent", "Yes.")
    typed = unicodedata.normalize("NFD", "Zoë")
    assert "person 1, 1 of 1" in here.good("enrol", typed, here.photo("b.png", (200, 40, 100)))
    assert here.count("people") == 1


def test_when_no_photo_is_good_nobody_is_enrolled(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    (here.folder / "text.jpg").write_text("no image")
    (here.folder / "empty.jpg").write_bytes(b"")

    result = here(
        "enrol",
        "Anna",
        here.photo("dark.png", factories.NOBODY),
        str(here.folder / "text.jpg"),
        str(here.folder / "empty.jpg"),
        "--consent",
        "Yes.",
    )

    assert result.exit_code == 2
    assert result.stdout.count("refused") == 3
    assert "not an image" in result.stdout
    assert result.stderr == "error: no photo could be used, so nobody was enrolled\n"
    assert here.count("people") == 0
    assert "cannot read" in here.refused("enrol", "Anna", str(here.folder / "missing.jpg"))


def test_nobody_is_enrolled_without_consent(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    photo = here.photo("a.png", factories.ANNA)

    assert "no consent of Anna is recorded: ask, then say with --consent" in here.refused("enrol", "Anna", photo)
    assert (here.count("people"), here.count("templates")) == (0, 0)


def test_many_are_enrolled_at_once_with_a_report_and_whoever_is_left_out_gives_exit_code_1(
    here: Here, colours: FakeAnalyser
) -> None:
    here.good("init")
    for name, colour in (("Anna_Berg", factories.ANNA), ("Bert", factories.NOBODY)):
        (here.folder / "in" / name).mkdir(parents=True)
        (here.folder / "in" / name / "1.png").write_bytes(factories.make_photo(colour) + name.encode())
    common = ("enrol-bulk", str(here.folder / "in"), "--consent", "Yes.", "--report", str(here.folder / "r.csv"))

    assert "would be enrolled" in here(*common, "--dry-run").stdout
    assert here.count("people") == 0
    done = here(*common)
    assert (done.exit_code, here.count("people"), here.count("templates")) == (1, 1, 1)
    assert re.search(r"Bert +1 +0 +0 +left out: no usable photo", done.stdout)
    assert "1 of 2 people enrolled" in done.stdout
    assert len((here.folder / "r.csv").read_text(encoding="utf-8-sig").splitlines()) == 3
    assert "is not in a person's folder" in here.refused("enrol-bulk", str(here.folder / "in" / "Bert"))


def test_somebody_who_may_be_another_is_enrolled_only_when_that_is_denied(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    photo = here.photo("a.png", factories.ANNA)
    with sessions(make_engine(load_settings(here.config).database.url)).begin() as session:
        operating_points.set_point(
            session,
            model_id=colours.model_id,
            threshold=0.5,
            margin=0.05,
            source="administrator",
            gallery_size=0,
            at=factories.NOON,
        )
    here.good("enrol", "Anna", photo, "--consent", "Yes.")
    Path(photo).write_bytes(Path(photo).read_bytes() + b"another file")
    result = here("enrol", "Ann", photo, "--consent", "Yes.")
    assert result.exit_code == 2
    assert "refused, this may be Anna, 1.00" in result.stdout
    assert "looks like Anna" in here.good("enrol", "Ann", photo, "--consent", "Yes.", "--two-people")


def test_an_id_of_somebody_else_is_refused(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    here.good("enrol", "Anna", here.photo("a.png", factories.ANNA), "--staff-number", "E1", "--consent", "Yes.")

    assert "belongs to Anna, not to Bert" in here.refused(
        "enrol", "Bert", here.photo("b.png", factories.BERT), "--staff-number", "E1"
    )
