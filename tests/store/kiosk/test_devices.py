"""Tablets are paired once, by a code that grows old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.store.kiosk import devices
from attendance.store.session import Sessions
from tests.factories import NOON


def test_a_code_pairs_one_browser_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        _, code = devices.add_device(session, "Canteen", at=NOON, by="ada", direction=Direction.UNKNOWN)
        paired = devices.pair(session, f" {code[:4].lower()}-{code[4:]}", at=NOON)
        assert paired is not None
        device, token = paired
        assert devices.pair(session, code, at=NOON) is None
        assert devices.device_of(session, token) is device
        assert token not in (device.token_hash, device.code_hash)


def test_a_code_ends_after_a_quarter_of_an_hour(sessions: Sessions) -> None:
    with sessions.begin() as session:
        _, code = devices.add_device(session, "Canteen", at=NOON, by="ada", direction=Direction.IN)

        assert devices.pair(session, code, at=NOON + timedelta(minutes=16)) is None


def test_a_revoked_tablet_is_out_until_it_is_paired_anew(sessions: Sessions) -> None:
    with sessions.begin() as session:
        device, code = devices.add_device(session, "Canteen", at=NOON, by="ada", direction=Direction.IN)
        paired = devices.pair(session, code, at=NOON)
        assert paired is not None
        devices.revoke(session, device.id, at=NOON)
        assert devices.device_of(session, paired[1]) is None
        again = devices.pair(session, devices.new_code(session, device.id, at=NOON), at=NOON)
        assert again is not None
        assert devices.device_of(session, paired[1]) is None


def test_two_kiosks_with_one_name_are_refused(sessions: Sessions) -> None:
    with sessions.begin() as session:
        devices.add_device(session, "Canteen", at=NOON, by="ada", direction=Direction.IN)
        with pytest.raises(UserError, match="choose another name"):
            devices.add_device(session, " Canteen ", at=NOON, by="ada", direction=Direction.IN)
        session.rollback()
