"""Subjects of entries are shown by their present names."""

from __future__ import annotations

from attendance.domain.passage import Direction
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.audit.naming import subject_names
from attendance.store.audit import entries
from attendance.store.kiosk.devices import add_device
from attendance.store.session import Sessions
from tests.factories import NOON

ADA = Actor("operator", "ada")


def test_a_device_has_its_name_and_one_that_is_gone_has_none(sessions: Sessions) -> None:
    with sessions.begin() as session:
        device, _code = add_device(session, "canteen", at=NOON, by="ada", direction=Direction.UNKNOWN)
        for number in (device.id, 404):
            audit.record(
                session, actor=ADA, action=Action.REVOKE_DEVICE, subject=Subject("device", number), at=NOON
            )  # fmt: skip
        found = subject_names(session, entries.list_entries(session))

    assert found == {("device", str(device.id)): "canteen"}


def test_only_the_kinds_that_the_entries_need_are_read(sessions: Sessions) -> None:
    with sessions.begin() as session:
        audit.record(session, actor=ADA, action=Action.EXPORT_DATA, detail={"page": "log.csv"}, at=NOON)
        assert subject_names(session, entries.list_entries(session)) == {}
