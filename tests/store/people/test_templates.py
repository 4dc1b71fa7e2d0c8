"""Templates are sealed a person: who is recognised, and what a wrong or missing key reads."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.store import settings
from attendance.store.access.doors import Door
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys, WrongMasterKey
from attendance.store.operators import operators, second_factors
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from attendance.store.tables import people as stored_people
from tests.factories import MODEL, NOON, make_template


def enrol(session: Session, keys: Keys, name: str, *seeds: int, model_id: str = MODEL) -> int:
    person = people.create_person(session, name=name, at=NOON)
    for seed in seeds:
        template = make_template(seed, model_id=model_id)
        templates.add_template(session, keys, person.id, template, "upload", {"size": 120.0}, f"sha-{seed}", at=NOON)
    return person.id


def test_the_gallery_holds_the_templates_of_active_people(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        anna = enrol(session, keys, "Anna", 1, 2)
        bert = enrol(session, keys, "Bert", 3)
        people.set_active(session, bert, False, at=NOON)
        enrol(session, keys, "Carl", 4, model_id="other-model")
        enrol(session, keys, "Dora")
    with sessions() as session:
        gallery = templates.load_gallery(session, keys, MODEL)
        assert (gallery.size, len(gallery)) == (1, 2)
        best = gallery.search(make_template(2))[0]
        assert best.person_id == anna
        assert best.score == pytest.approx(1.0, abs=1e-6)
        assert gallery.version == settings.gallery_version(session)
        assert templates.templates_of_other_models(session, MODEL) == 1


def test_an_empty_database_gives_an_empty_gallery(sessions: Sessions, keys: Keys) -> None:
    with sessions() as session:
        assert templates.load_gallery(session, keys, MODEL).size == 0


def test_the_same_photo_of_one_person_is_not_added_twice(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        anna = enrol(session, keys, "Anna", 1)
    with pytest.raises(UserError, match="enrolled already"), sessions.begin() as session:
        templates.add_template(session, keys, anna, make_template(5), "upload", {}, "sha-1", at=NOON)
    with sessions() as session:
        assert templates.template_counts(session, [anna, 99], MODEL) == {anna: 1, 99: 0}


def test_a_wrong_master_key_neither_reads_nor_writes(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        anna = enrol(session, keys, "Anna", 1)
        bert = enrol(session, keys, "Bert")
    wrong = Keys(bytes(32))
    with sessions() as session, pytest.raises(WrongMasterKey):
        templates.load_gallery(session, wrong, MODEL)
    for person in (anna, bert):  # one has a data key already, the other would get a first one
        with pytest.raises(WrongMasterKey), sessions.begin() as session:
            templates.add_template(session, wrong, person, make_template(2), "upload", {}, "sha-2", at=NOON)
    with sessions() as session:
        templates.require_keys_fit(session, keys)
        assert len(templates.load_gallery(session, keys, MODEL)) == 1


def test_a_damaged_template_is_named_and_not_left_out_silently(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        enrol(session, keys, "Anna", 1)
        session.execute(update(stored_people.Template).values(vector=b"\x01" + bytes(60)))
    with sessions() as session, pytest.raises(UserError, match="template 1 of Anna is damaged"):
        templates.load_gallery(session, keys, MODEL)


def test_without_the_persons_key_the_templates_cannot_be_read(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        enrol(session, keys, "Anna", 1)
        session.execute(delete(stored_people.PersonKey))
    with sessions() as session, pytest.raises(UserError, match="key is missing"):
        templates.load_gallery(session, keys, MODEL)


def test_no_embedding_stands_readable_in_the_file(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        enrol(session, keys, "Anna", 1)
    with sessions() as session:
        stored = session.scalars(select(stored_people.Template.vector)).one()
    assert make_template(1).vector.astype(np.float32).tobytes()[:16] not in stored


@pytest.mark.parametrize("what", ["person", "door", "camera", "second factor"])
def test_whatever_is_sealed_by_the_master_key_keeps_a_lost_one_from_being_replaced(
    sessions: Sessions, keys: Keys, what: str
) -> None:
    with sessions.begin() as session:
        door = session.scalars(select(Door)).first() or Door(name="door")
        camera = cameras.add(session, "entrance", Direction.IN)
        operator = operators.create_operator(session, "olga", SecretHash("x"), role="admin", at=NOON)
        session.add(door)
        session.flush()
        assert not templates.holds_sealed_data(session), "a door and a camera without secrets lose nothing"
        if what == "person":
            enrol(session, keys, "Anna", 1)
        elif what == "door":
            door.driver_settings = keys.seal_door({"password": "hush"}, door.id)
        elif what == "camera":
            camera.address = keys.seal_secret(b"rtsp://a:b@c/1", "camera:entrance")
        else:
            second_factors.begin(session, keys, operator.id, at=NOON)
        session.flush()
        assert templates.holds_sealed_data(session)
