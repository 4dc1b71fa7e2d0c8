"""/people/bulk: send, report, enrol together."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from attendance.service.enrolment.bulk_job import KEPT, PATIENCE, BulkJob, Options
from attendance.service.enrolment.bulk_upload import Limits
from attendance.store.calibration import operating_points
from attendance.store.calibration.operating_points import Basis
from attendance.store.people import people, templates
from attendance.store.privacy.consent_history import history
from tests.factories import ANNA, BERT, MODEL, NOBODY, NOON, STRANGER, make_photo
from tests.site_fixtures import Browser, Web

AGREED = {"consent": "I agree to everything.", "agreed": "yes"}
Colour = tuple[int, int, int]


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads lie, so that a test sees what is left of them."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def job(web: Web) -> BulkJob:
    job: BulkJob = web.app.extensions["attendance_bulk_job"]
    return job


def packed(people_: dict[str, list[Colour]], **more: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, colours in people_.items():
            for number, colour in enumerate(colours):
                archive.writestr(f"{name}/{number}.png", make_photo(colour) + name.encode())  # no shared file
        for name, data in more.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def send(browser: Browser, job: BulkJob, data: bytes | list[tuple[bytes, str]], **fields: str) -> Any:
    files = data if isinstance(data, list) else [(data, "people.zip")]
    body = {"files": [(io.BytesIO(one), name) for one, name in files], **(AGREED | fields)}
    answer = browser.submit("/people/bulk", body, content_type="multipart/form-data")
    job.wait()
    return answer


def text(browser: Browser) -> str:
    page = browser.text("/people/bulk")
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") :]).split())


def report_of(browser: Browser) -> str:
    found = re.search(r'name="report" value="([^"]+)"', browser.text("/people/bulk"))
    assert found
    return found[1]


def enrolled(web: Web) -> dict[str, int]:
    with web.sessions() as session:
        return {one.name: len(templates.list_templates(session, one.id)) for one in people.search_people(session)}


def test_first_a_report_and_nothing_written_then_everybody_together(
    web: Web, admin: Browser, job: BulkJob, own_temporary_folder: Path
) -> None:
    answer = send(admin, job, packed({"Anna_Berg": [ANNA, NOBODY], "Bert": [BERT], "Nobody": [NOBODY]}))
    assert answer.status_code == 302
    told = text(admin)

    assert "2 of 3" in told
    assert "2 of 4" in told  # photos
    assert "left out no usable photo" in told
    assert enrolled(web) == {}
    assert list(own_temporary_folder.iterdir()) == []  # the photos are gone before anybody decides
    rows = list(csv.DictReader(io.StringIO(admin.text("/people/bulk/report.csv").removeprefix("\ufeff"))))
    assert {row["photo"] for row in rows} == {"Anna_Berg/0.png", "Anna_Berg/1.png", "Bert/0.png", "Nobody/0.png"}

    admin.submit("/people/bulk/enrol", {"report": report_of(admin)})
    job.wait()
    assert enrolled(web) == {"Anna Berg": 1, "Bert": 1}
    assert "People enrolled 2 of 3" in text(admin)
    with web.sessions() as session:
        found = people.search_people(session)
        assert {row.words for one in found for row in history(session, one.id)} == {"I agree to everything."}


def test_without_consent_nobody_is_enrolled_and_words_can_be_added_without_sending_again(
    web: Web, admin: Browser, job: BulkJob
) -> None:
    send(admin, job, packed({"Anna": [ANNA]}), consent="", agreed="")
    assert "no consent to this" in text(admin)
    assert "Nobody can be enrolled" in text(admin)

    admin.submit("/people/bulk/again", AGREED)
    job.wait()
    admin.submit("/people/bulk/enrol", {"report": report_of(admin)})
    job.wait()
    assert enrolled(web) == {"Anna": 1}


def test_words_that_nobody_says_were_agreed_to_are_no_consent(web: Web, admin: Browser, job: BulkJob) -> None:
    answer = send(admin, job, packed({"Anna": [ANNA]}), agreed="")

    assert answer.status_code == 400
    assert "Tick the box" in answer.get_data(as_text=True)
    assert job.progress().results == ()


def test_a_tick_without_words_is_no_consent_and_the_tick_stays(admin: Browser, job: BulkJob) -> None:
    answer = send(admin, job, packed({"Anna": [ANNA]}), consent=" ")

    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert "Write down what everybody agreed to, or take the tick away" in page
    assert re.search(r'id="agreed"[^>]* checked', page)


def test_words_are_suggested_as_words_and_not_as_a_hint_that_looks_like_them(admin: Browser) -> None:
    page = admin.text("/people/bulk")

    assert re.search(r"<textarea[^>]*id=\"consent\"[^>]*>[^<]*Mill Lane", page)
    assert "placeholder" not in page[page.index('id="consent"') :][:200]


def test_what_changed_since_the_report_is_reported_anew_and_nobody_enrolled(
    web: Web, admin: Browser, job: BulkJob
) -> None:
    web.set_threshold()
    send(admin, job, packed({"Anna": [ANNA], "Bert": [BERT]}))
    web.enrol(web.add("Cleo"), BERT)
    admin.submit("/people/bulk/enrol", {"report": report_of(admin)})
    job.wait()

    assert enrolled(web) == {"Cleo": 1}
    assert "Something changed since the report" in text(admin)
    assert "may be Cleo" in text(admin)
    admin.submit("/people/bulk/enrol", {"report": report_of(admin)})
    job.wait()
    assert enrolled(web) == {"Cleo": 1, "Anna": 1}


def test_an_older_report_enrols_nobody(web: Web, admin: Browser, job: BulkJob) -> None:
    send(admin, job, packed({"Anna": [ANNA]}))
    old = report_of(admin)
    send(admin, job, packed({"Bert": [BERT]}))
    admin.submit("/people/bulk/enrol", {"report": old})
    job.wait()

    assert enrolled(web) == {}


def test_two_in_the_files_who_look_the_same_wait_for_a_word(web: Web, admin: Browser, job: BulkJob) -> None:
    web.set_threshold()
    send(admin, job, packed({"One": [ANNA], "Two": [ANNA]}))
    assert "may be Two" in text(admin)
    admin.submit("/people/bulk/again", AGREED | {"two_people": "yes"})
    job.wait()

    assert "2 of 2" in text(admin)


def test_a_list_with_its_photos_says_what_was_agreed_to(web: Web, admin: Browser, job: BulkJob) -> None:
    rows = b"name,photos,staff_number,consent\nAnna,1.png,E-1,Signed on paper.\n"
    send(admin, job, [(rows, "list.csv"), (make_photo(ANNA), "1.png")], consent="", agreed="")
    admin.submit("/people/bulk/enrol", {"report": report_of(admin)})
    job.wait()

    with web.sessions() as session:
        (anna,) = people.search_people(session)
        words = {row.words for row in history(session, anna.id)}
    assert (anna.staff_number, words) == ("E-1", {"Signed on paper."})


MISTAKES = (
    (b"x", "not a ZIP archive, or a damaged one"),
    (packed({}), "The archive names nobody"),
    (packed({}, **{"list.csv": b"who\nx\n"}), "list.csv: the column"),
    (packed({}, **{"list.csv": b"name,photos\nAnna,/etc/passwd\n"}), "does not lie in the folder"),
    (packed({}, **{"list.csv": b"name,photos\nAnna,1.png\n"}), "there is no file 1.png"),
    (packed({}, **{"list.csv": b"name,photos\nA," + b"x" * 200_000 + b"\n"}), "the file cannot be read as CSV"),
)


def test_a_mistake_in_the_files_is_told_without_this_computers_folders(
    web: Web, admin: Browser, job: BulkJob, own_temporary_folder: Path
) -> None:
    for data, words in MISTAKES:
        send(admin, job, data)
        assert words in text(admin)
        assert str(own_temporary_folder) not in admin.text("/people/bulk")
        assert list(own_temporary_folder.iterdir()) == []
    assert enrolled(web) == {}


def test_files_that_were_not_taken_are_listed_as_text(web: Web, admin: Browser, job: BulkJob) -> None:
    send(admin, job, packed({"Anna": [ANNA]}, **{"../<b>x</b>.png": b"x", "Anna/a.pdf": b"x", "Anna/b.png": b"x"}))
    page = admin.text("/people/bulk")

    assert "../&lt;b&gt;x&lt;/b&gt;.png" in page
    assert "leads out of the archive" in page
    assert "2 files not taken" in page
    assert "not an image" in admin.text("/people/bulk/report.csv")


def test_pieces_are_put_together_and_a_lost_one_is_noticed(web: Web, admin: Browser, job: BulkJob) -> None:
    data = packed({"Anna": [ANNA]})

    def piece(offset: int, end: int) -> Any:
        body = {"name": "people.zip", "offset": str(offset), "piece": (io.BytesIO(data[offset:end]), "piece")}
        return admin.submit("/people/bulk/piece", body, content_type="multipart/form-data")

    assert piece(0, 100).json == {"ok": True, "size": 100}
    assert piece(150, 200).status_code == 409
    assert piece(100, len(data)).json == {"ok": True, "size": len(data)}
    admin.submit("/people/bulk", AGREED | {"in_pieces": "yes"})
    job.wait()
    assert "1 of 1" in text(admin)


def test_a_piece_that_makes_no_sense_is_refused(admin: Browser) -> None:
    name = {"name": "a.zip"}
    for fields in ({}, {"name": ".."}, name | {"offset": "x"}, name | {"offset": "-1"}, {"offset": "0"}):
        assert admin.submit("/people/bulk/piece", fields).status_code == 409
    assert admin.submit("/people/bulk", {"in_pieces": "yes"}).status_code == 400


def test_too_much_is_refused_while_it_comes(web: Web, admin: Browser, job: BulkJob) -> None:
    job.limits = Limits(upload=1000)
    body = {"name": "a.zip", "offset": "0", "piece": (io.BytesIO(bytes(2000)), "piece")}
    answer = admin.submit("/people/bulk/piece", body, content_type="multipart/form-data")

    assert answer.status_code == 409
    assert "send the people in several parts" in answer.json["words"]


def test_one_after_the_other(web: Web, admin: Browser, job: BulkJob) -> None:
    send(admin, job, packed({"Anna": [ANNA]}))
    admin.submit("/people/bulk/piece", {"name": "a.zip", "offset": "0"})
    with pytest.raises(Exception, match="ada is enrolling many people"):
        job.receive("grace", "b.zip", 0, io.BytesIO())
    with pytest.raises(Exception, match="ada is enrolling many people"):
        job.clear("grace")
    web.clock.advance(PATIENCE.total_seconds() + 1)
    job.receive("grace", "b.zip", 0, io.BytesIO(b"x"))

    assert "grace is enrolling many people" in text(admin)
    assert "Send photos" not in text(admin)
    with pytest.raises(Exception, match="no file was sent"):
        job.judge("ada", job.progress().options)


def test_a_report_that_nobody_acts_upon_is_forgotten(web: Web, admin: Browser, job: BulkJob) -> None:
    send(admin, job, packed({"Anna": [ANNA]}))
    report = report_of(admin)
    web.clock.advance(KEPT.total_seconds() / 2)
    admin.text("/people")  # somebody who does nothing at all is signed out meanwhile
    web.clock.advance(KEPT.total_seconds() / 2 + 1)

    assert "Send photos" in text(admin)
    assert job._judged == []
    admin.submit("/people/bulk/enrol", {"report": report})
    assert enrolled(web) == {}


def test_a_fault_enrols_nobody_and_leaves_no_photo(
    web: Web, admin: Browser, job: BulkJob, own_temporary_folder: Path
) -> None:
    web.analyser.error = RuntimeError("the network broke")
    send(admin, job, packed({"Anna": [ANNA]}))

    assert "Something went wrong; nobody was enrolled" in text(admin)
    assert list(own_temporary_folder.iterdir()) == []
    web.analyser.error = None
    send(admin, job, packed({"Anna": [STRANGER]}))
    assert "1 of 1" in text(admin)


def test_what_a_killed_program_left_behind_is_removed(web: Web, own_temporary_folder: Path) -> None:
    left = own_temporary_folder / "attendance-bulk-4194399-abc"
    (left / "unpacked").mkdir(parents=True)
    (own_temporary_folder / "attendance-bulk-x").mkdir()
    BulkJob(web.sessions, web.keys, web.analyser, web.clock)

    assert [path.name for path in own_temporary_folder.iterdir()] == ["attendance-bulk-x"]


def test_a_viewer_sees_and_sends_nothing(viewer: Browser) -> None:
    assert viewer.get("/people/bulk").status_code == 403
    assert viewer.get("/people/bulk/report.csv").status_code == 403
    assert viewer.submit("/people/bulk/piece", {"name": "a.zip", "offset": "0"}).status_code == 403
    assert "/people/bulk" not in viewer.text("/people")


def test_what_somebody_else_reads_is_not_shown_and_not_lost_unsaid(web: Web, admin: Browser, job: BulkJob) -> None:
    job.receive("grace", "a.zip", 0, io.BytesIO(packed({"Anna": [ANNA]})))
    job.judge("grace", Options("Yes."))
    job.wait()
    told = text(admin)

    assert "grace has a report here and has not decided yet" in told
    assert "Anna" not in told.replace("Anna_Berg", "")
    send(admin, job, packed({"Bert": [BERT]}))
    assert "Bert" in text(admin)


def test_a_threshold_that_came_from_a_risk_is_looked_at_again(web: Web, admin: Browser, job: BulkJob) -> None:
    basis = Basis(0.001, 0, "not enough data", "nobody yet")
    with web.sessions.begin() as session:
        operating_points.set_point(
            session,
            model_id=MODEL,
            threshold=0.9,
            margin=0.05,
            source="calibration",
            gallery_size=0,
            at=NOON,
            basis=basis,
        )
    send(admin, job, packed({"Anna": [ANNA]}))
    admin.submit("/people/bulk/enrol", {"report": report_of(admin)})
    job.wait()

    with web.sessions() as session:
        newest = operating_points.history(session, MODEL)[0]
    assert (newest.gallery_size, newest.threshold) == (1, 0.9)
    assert newest.covers is not None
    assert newest.covers >= 1
