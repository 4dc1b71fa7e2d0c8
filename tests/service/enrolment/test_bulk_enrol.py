"""Many people at once: every mistake in the list is told first, and nobody is enrolled by half."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.enrolment import bulk_enrol
from attendance.service.enrolment.bulk_enrol import Result, enrol_all, judge_photos
from attendance.service.enrolment.bulk_report import coverage, photo_lines, result_rows
from attendance.service.enrolment.bulk_sources import read_entries
from attendance.store.people import people, templates
from attendance.store.people.look_alikes import listed_pairs
from attendance.store.privacy.consent_history import history
from tests.factories import ANNA, BERT, MODEL, NOBODY, STRANGER, make_photo
from tests.service.conftest import Site

Colour = tuple[int, int, int]


def folders(root: Path, **photos: list[Colour]) -> Path:
    for name, colours in photos.items():
        (root / name).mkdir(parents=True)
        for number, colour in enumerate(colours):
            (root / name / f"{number}.png").write_bytes(make_photo(colour) + name.encode())  # no shared file
    return root


def run(site: Site, source: Path, **options: object) -> dict[str, Result]:
    judged = [(entry, list(judge_photos(site.analyser, entry, site.clock))) for entry in read_entries(source)]
    options = {"consent": "Yes."} | options
    results = enrol_all(site.sessions, site.keys, MODEL, judged, site.clock, **options)  # type: ignore[arg-type]
    return {result.entry.name: result for result in results}


def enrolled(site: Site) -> dict[str, int]:
    with site.sessions() as session:
        found = people.search_people(session)
        return {person.name: len(templates.list_templates(session, person.id)) for person in found}


def test_a_folder_of_folders_is_enrolled_and_its_coverage_told(site: Site, tmp_path: Path) -> None:
    source = folders(tmp_path / "in", Anna_Berg=[ANNA, NOBODY], Bert=[BERT], Nobody=[NOBODY], Empty=[])
    results = run(site, source)

    assert enrolled(site) == {"Anna Berg": 1, "Bert": 1}
    assert {name: one.problem for name, one in results.items()} == {
        "Anna Berg": "",
        "Bert": "",
        "Nobody": "no usable photo",
        "Empty": "no usable photo",
    }
    assert [row.person for row in result_rows(list(results.values()))][:2] == ["Empty", "Nobody"]
    text = coverage(list(results.values()), dry_run=False)
    assert "2 of 4 people enrolled" in text
    assert "2 of 4 photos usable, 2 templates new" in text
    assert "fewer than 3 templates, of 5 recommended (2): Anna Berg, Bert" in text
    assert "refused photos, no face found: 2" in text
    lines = list(photo_lines(list(results.values())))
    assert len(lines) == 1 + 4 + 1
    assert any("no face found" in line and "enrolled" in line for line in lines)


def test_running_it_again_adds_nothing(site: Site, tmp_path: Path) -> None:
    source = folders(tmp_path / "in", Anna=[ANNA])
    run(site, source)
    again = run(site, source, consent=None)["Anna"]

    assert (again.problem, again.added, again.known, again.total) == ("", 0, 1, 1)
    assert enrolled(site) == {"Anna": 1}


def test_a_dry_run_tells_the_same_and_writes_nothing(site: Site, tmp_path: Path) -> None:
    source = folders(tmp_path / "in", Anna=[ANNA])
    told = run(site, source, dry_run=True)["Anna"]

    assert (told.problem, told.added) == ("", 1)
    assert enrolled(site) == {}


def test_nobody_is_enrolled_without_consent(site: Site, tmp_path: Path) -> None:
    told = run(site, folders(tmp_path / "in", Anna=[ANNA]), consent=None)["Anna"]

    assert told.reason is Reason.NO_CONSENT
    assert enrolled(site) == {}


def test_who_may_be_somebody_enrolled_or_somebody_else_in_the_list_is_left_out(site: Site, tmp_path: Path) -> None:
    site.enrol("Anna", ANNA)
    source = folders(tmp_path / "in", Double=[STRANGER, ANNA], One=[BERT], Two=[BERT])
    results = run(site, source)

    assert {name: one.problem for name, one in results.items()} == {
        "Double": "may be Anna, 1.00",
        "One": "may be Two, 1.00",
        "Two": "may be One, 1.00",
    }
    assert enrolled(site) == {"Anna": 1}
    run(site, source, two_people=True)
    assert enrolled(site) == {"Anna": 1, "Double": 2, "One": 1, "Two": 1}
    with site.sessions() as session:
        assert len(listed_pairs(session, MODEL)) == 2


def test_a_crash_in_the_middle_leaves_nothing(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_the_second(self: bulk_enrol._Run, number: int) -> Result:
        if number:
            raise RuntimeError("power cut")
        return real(self, number)

    real = bulk_enrol._Run.enrol
    monkeypatch.setattr(bulk_enrol._Run, "enrol", fail_at_the_second)
    with pytest.raises(RuntimeError, match="power cut"):
        run(site, folders(tmp_path / "in", Anna=[ANNA], Bert=[BERT]))
    assert enrolled(site) == {}


def test_an_id_that_somebody_else_has_leaves_that_person_out_whole(site: Site, tmp_path: Path) -> None:
    folders(tmp_path, photos=[ANNA, BERT])
    with site.sessions.begin() as session:
        people.create_person(session, name="Cleo", staff_number="E-1", at=site.clock.now())
    (tmp_path / "list.csv").write_text(
        "name,photos,staff_number\nAnna,photos/0.png,E-1\nBert,photos/1.png,E-2\n", encoding="utf-8"
    )
    results = run(site, tmp_path / "list.csv")

    assert "belongs to Cleo" in results["Anna"].problem
    assert enrolled(site) == {"Bert": 1, "Cleo": 0}


def test_a_csv_says_id_department_and_consent_and_may_give_a_line_for_each_photo(site: Site, tmp_path: Path) -> None:
    folders(tmp_path, photos=[ANNA, (200, 40, 100), BERT])
    (tmp_path / "list.csv").write_text(
        "\ufeffName;External_ID;Department;Photos;Consent\n"
        "Anna Berg;E1;Lab;photos/0.png;Signed form 7\n"
        "Anna Berg;E1;;photos/1.png;\n"
        "Anna Berg;E2;;photos/2.png;Signed form 8\n",
        encoding="utf-8",
    )
    judged = read_entries(tmp_path / "list.csv")
    assert [(one.name, one.staff_number, len(one.photos)) for one in judged] == [
        ("Anna Berg", "E1", 2),
        ("Anna Berg", "E2", 1),
    ]
    run(site, tmp_path / "list.csv", consent=None)
    with site.sessions() as session:
        first, second = people.search_people(session)
        words = [{row.words for row in history(session, one.id)} for one in (first, second)]
    assert (first.department, words) == ("Lab", [{"Signed form 7"}, {"Signed form 8"}])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "list.csv is empty; the first line must hold: name, photos"),
        ("name,photos\n", "names nobody"),
        ("name,age,photos\nA,7,x.png\n", "column 'age' is unknown"),
        ("name,photos\n,x.png\n", "line 2: has no name"),
        ("name,photos\nA,x.png\n", "line 2: there is no file"),
        ("name,photos\nA,list.csv,z\n", "line 2: 3 cells, but the first line names 2 columns"),
        ("name,photos,staff_number\nA,list.csv,E1\nB,list.csv,E1\n", "another name for A"),
    ],
)
def test_a_mistake_in_the_list_is_told_before_anything_is_looked_at(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says) as caught:
        read_entries(tmp_path / "list.csv")
    assert "\n" not in str(caught.value)


def test_a_folder_must_have_a_folder_for_each_person(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names nobody"):
        read_entries(tmp_path)
    folders(tmp_path, Anna_Berg=[ANNA])
    (tmp_path / "loose.jpg").write_bytes(make_photo(ANNA))
    with pytest.raises(UserError, match=r"loose.* is not in a person's folder"):
        read_entries(tmp_path)
    (tmp_path / "loose.jpg").unlink()
    (tmp_path / "anna berg").mkdir()
    with pytest.raises(UserError, match="both name"):
        read_entries(tmp_path)


def test_one_file_in_two_folders_is_neither_persons(site: Site, tmp_path: Path) -> None:
    for name in ("Anna", "Bert"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.png").write_bytes(make_photo(ANNA))

    results = run(site, tmp_path, two_people=True)

    assert {name: one.problem for name, one in results.items()} == {
        "Anna": "the very file of a photo of Bert",
        "Bert": "the very file of a photo of Anna",
    }
    with site.sessions() as session:
        assert people.search_people(session) == []


def test_a_name_in_two_forms_of_unicode_is_one_person(site: Site, tmp_path: Path) -> None:
    typed, from_a_mac = "Zoë Ångström", unicodedata.normalize("NFD", "Zoë Ångström")
    assert typed != from_a_mac
    run(site, folders(tmp_path / "first", **{typed: [ANNA]}))
    run(site, folders(tmp_path / "second", **{from_a_mac: [(200, 40, 100)]}))
    assert enrolled(site) == {typed: 2}

    photo = tmp_path / unicodedata.normalize("NFD", "é.png")
    photo.write_bytes(make_photo((200, 40, 110)))
    (tmp_path / "list.csv").write_text(f"name,photos\n{from_a_mac.upper()},{photo.name}\n", encoding="utf-8")
    run(site, tmp_path / "list.csv")
    assert enrolled(site) == {typed: 3}

    with pytest.raises(UserError, match="both name"):
        read_entries(folders(tmp_path / "both", **{typed: [ANNA], from_a_mac: [ANNA]}))
