"""Taking grown templates back, withdrawing the consent to them, and what a restored backup brings back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.people.consent import BOTH, Channel, Purpose
from attendance.errors import UserError
from attendance.service.access.gallery_watch import GalleryWatch
from attendance.service.privacy.erasure import apply_ledger, erase_person, take_back_grown, withdraw
from attendance.store.audit import entries
from attendance.store.people import grown, people, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.privacy import consent, erasures, person_keys
from attendance.store.tables.people import PinProof
from tests.factories import MODEL, NOON, make_template
from tests.fakes import FakeClock
from tests.service.privacy.conftest import ADA, Place


def agreed(place: Place, name: str = "Anna") -> int:
    """Add a person who agreed to everything, with a photo, a look in use, one that waits and a proof by PIN."""
    number = place.add(name)
    with place.sessions.begin() as session:
        consent.give_consent(session, number, "Yes.", at=NOON, purposes=list(Purpose))
        grow(place, session, number, "1", NOON)
        grow(place, session, number, "2", None)
        grown.note_pin(session, f"proof-{number}", number, NOON)
    return number


def grow(place: Place, session, number: int, uid: str, used_since) -> None:  # type: ignore[no-untyped-def]
    wrapped = person_keys.wrapped_key(session, number)
    assert wrapped is not None
    sealed = place.keys.unwrap(wrapped, number).seal(make_template(number, int(uid)))
    session.add(
        GrownTemplate(
            uid=f"{number}-{uid}", person_id=number, model_id=MODEL, vector=sealed, quality={}, camera="door",
            passage_id="p", grown_at=NOON, usable_at=NOON + timedelta(days=7), used_since=used_since,
        )
    )  # fmt: skip


def left(place: Place) -> list[str]:
    with place.sessions() as session:
        return sorted(row.uid for person in (1, 2, 3) for row in grown.of_person(session, person))


def gallery(place: Place) -> int:
    with place.sessions() as session:
        return len(templates.load_gallery(session, place.keys, MODEL))


def copy_of(place: Place) -> list[dict[str, object]]:
    with place.sessions() as session:
        rows = [row for person in (1, 2, 3) for row in grown.of_person(session, person)]
        return [{column.key: getattr(row, column.key) for column in row.__table__.columns} for row in rows]


def put_back(place: Place, rows: list[dict[str, object]]) -> None:
    """Do what a restored backup does to these rows."""
    there = left(place)
    with place.sessions.begin() as session:
        session.add_all(GrownTemplate(**row) for row in rows if row["uid"] not in there)


def test_one_or_all_are_taken_back_and_a_running_door_drops_them_within_a_second(place: Place) -> None:
    agreed(place)
    clock = FakeClock(NOON)
    door = GalleryWatch(place.sessions, place.keys, MODEL, clock)
    door.load()
    assert len(door.view.gallery) == 2

    assert take_back_grown(place.sessions, place.ledger, 1, ADA, NOON, "1-1") == 1
    clock.advance(1)
    assert len(door.refresh().gallery) == 1 and left(place) == ["1-2"]
    assert take_back_grown(place.sessions, place.ledger, 1, ADA, NOON) == 1
    assert take_back_grown(place.sessions, place.ledger, 1, ADA, NOON) == 0
    assert left(place) == []
    with place.sessions() as session:
        acts = [(row.action, row.detail["templates"]) for row in entries.list_entries(session)]
    assert acts == [("take_back_grown", 1), ("take_back_grown", 1)]


def test_somebody_elses_template_is_not_taken_back_by_its_id(place: Place) -> None:
    agreed(place), agreed(place, "Bert")

    assert take_back_grown(place.sessions, place.ledger, 1, ADA, NOON, "2-1") == 0
    assert len(left(place)) == 4


def test_a_restored_backup_brings_nothing_back_that_was_taken_back(place: Place) -> None:
    agreed(place), agreed(place, "Bert")
    backup = copy_of(place)
    take_back_grown(place.sessions, place.ledger, 1, ADA, NOON, "1-1")
    withdraw(place.sessions, place.ledger, 2, ADA, NOON, [Purpose.GROWTH], Channel.PAGE)
    put_back(place, backup)
    assert len(left(place)) == 4

    apply_ledger(place.sessions, place.ledger, NOON)
    assert left(place) == ["1-2"]


def test_the_consent_to_growth_alone_takes_what_grew_and_leaves_the_photos(place: Place) -> None:
    agreed(place)

    assert withdraw(place.sessions, place.ledger, 1, ADA, NOON, [Purpose.GROWTH], Channel.PAGE) is None
    with place.sessions() as session:
        person = people.get_person(session, 1)
        assert person.agreed == BOTH and person.growth_consent_at is None
        assert erasures.applied(session) == (len(place.ledger.read()), place.ledger.head().hash)
    assert left(place) == [] and gallery(place) == 1


def test_the_consent_to_one_of_two_purposes_leaves_what_grew(place: Place) -> None:
    agreed(place)
    withdraw(place.sessions, place.ledger, 1, ADA, NOON, [Purpose.ATTENDANCE], Channel.PAGE)

    assert left(place) == ["1-1", "1-2"] and gallery(place) == 2


@pytest.mark.parametrize("channel", [Channel.PAGE, Channel.RETENTION])
def test_with_the_last_purpose_of_recognition_growth_ends_too(place: Place, channel: Channel) -> None:
    agreed(place)
    erasure = withdraw(place.sessions, place.ledger, 1, ADA, NOON, BOTH, channel)

    with place.sessions() as session:
        row = erasures.erasure(session, erasure or "")
        assert row is not None and row.removed["grown_templates"] == 2
        assert people.get_person(session, 1).agreed_to == frozenset()
    assert left(place) == []


def test_an_erasure_takes_what_grew_and_the_proofs(place: Place) -> None:
    agreed(place)
    erase_person(place.sessions, place.ledger, 1, ADA, NOON)

    assert left(place) == []
    with place.sessions() as session:
        assert session.query(PinProof).count() == 0


def test_a_lost_key_takes_what_grew(place: Place) -> None:
    agreed(place)
    with place.sessions.begin() as session:
        assert person_keys.put_back(session, {}, [key for key in [person_keys.key_id(session, 1)] if key]) == 0
        person_keys.erase_keys(session, [str(person_keys.key_id(session, 1))])

    assert left(place) == []


def test_growth_needs_a_face_that_is_recognised(place: Place) -> None:
    number = place.add("Carl")
    with place.sessions.begin() as session, pytest.raises(UserError, match="tick access or working time"):
        consent.give_consent(session, number, "Yes.", at=NOON, purposes=[Purpose.GROWTH])


def test_a_photo_that_is_deleted_takes_what_was_compared_with_it(place: Place) -> None:
    agreed(place)
    with place.sessions.begin() as session:
        [photo] = templates.list_templates(session, 1)
        templates.delete_template(session, photo.id, at=NOON)

    assert left(place) == []
