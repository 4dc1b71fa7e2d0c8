"""Second factors: codes by time, once each, and recovery codes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from attendance.errors import UserError
from attendance.store.crypto import Keys
from attendance.store.operators import operators, second_factors
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from tests.factories import NOON

HASH = SecretHash("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA")
STEP = timedelta(seconds=30)


@pytest.fixture
def ada(sessions: Sessions) -> int:
    with sessions.begin() as session:
        return operators.create_operator(session, "ada", HASH, role="admin", at=NOON).id


def set_up(sessions: Sessions, keys: Keys, operator_id: int, at: datetime = NOON) -> tuple[str, list[str]]:
    """Turn the second factor on; return the secret and the recovery codes."""
    with sessions.begin() as session:
        second_factors.begin(session, keys, operator_id, at=at)
        secret = second_factors.begun(session, keys, operator_id, at=at)
        assert secret is not None
        codes = second_factors.confirm(session, keys, operator_id, second_factors.code_at(secret, at), at=at)
    assert codes is not None
    return secret, codes


def use(sessions: Sessions, keys: Keys, operator_id: int, typed: str, at: datetime) -> str | None:
    with sessions.begin() as session:
        return second_factors.use(session, keys, operator_id, typed, at=at)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """Appendix B of RFC 6238, whose codes have eight digits; six are their end."""
    secret = base64.b32encode(b"12345678901234567890").decode()

    assert second_factors.code_at(secret, datetime.fromtimestamp(seconds, UTC)) == code[-6:]


def test_a_code_counts_once_and_no_older_one_after_it(sessions: Sessions, keys: Keys, ada: int) -> None:
    secret, _codes = set_up(sessions, keys, ada)
    confirmed = second_factors.code_at(secret, NOON)
    assert use(sessions, keys, ada, confirmed, NOON) is None

    later = NOON + 4 * STEP
    code = second_factors.code_at(secret, later)
    assert use(sessions, keys, ada, f" {code[:3]} {code[3:]} ", later) == "code"
    assert use(sessions, keys, ada, code, later) is None
    assert use(sessions, keys, ada, second_factors.code_at(secret, later - STEP), later) is None
    assert use(sessions, keys, ada, second_factors.code_at(secret, later + STEP), later) == "code"


@pytest.mark.parametrize(("off", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_one_step_wrong(sessions: Sessions, keys: Keys, ada: int, off: int, right: bool) -> None:
    secret, _codes = set_up(sessions, keys, ada)
    now = NOON + 20 * STEP

    assert (use(sessions, keys, ada, second_factors.code_at(secret, now + off * STEP), now) == "code") is right


@pytest.mark.parametrize("typed", ["", "000000", "１２３４５６", "12345", "x" * 40])
def test_what_is_not_the_code_is_refused(sessions: Sessions, keys: Keys, ada: int, typed: str) -> None:
    set_up(sessions, keys, ada)

    assert use(sessions, keys, ada, typed, NOON + 9 * STEP) is None


def test_a_recovery_code_counts_once_however_it_is_typed(sessions: Sessions, keys: Keys, ada: int) -> None:
    _secret, codes = set_up(sessions, keys, ada)
    assert len(set(codes)) == second_factors.RECOVERY_CODES

    typed = codes[0].upper().replace("-", " ")
    assert use(sessions, keys, ada, typed, NOON) == "recovery code"
    assert use(sessions, keys, ada, typed, NOON) is None
    with sessions.begin() as session:
        assert second_factors.recovery_codes_left(session, ada) == second_factors.RECOVERY_CODES - 1
        new = second_factors.new_recovery_codes(session, ada)
    assert use(sessions, keys, ada, codes[1], NOON) is None
    assert use(sessions, keys, ada, new[1], NOON) == "recovery code"


def test_nobody_is_asked_before_a_code_confirmed_the_app(sessions: Sessions, keys: Keys, ada: int) -> None:
    with sessions.begin() as session:
        second_factors.begin(session, keys, ada, at=NOON)
        assert second_factors.confirm(session, keys, ada, "000000", at=NOON) is None
        assert not second_factors.is_on(session, ada)
        secret = second_factors.begun(session, keys, ada, at=NOON)
        assert secret is not None
        later = NOON + timedelta(minutes=16)
        assert second_factors.begun(session, keys, ada, at=later) is None
        assert second_factors.confirm(session, keys, ada, second_factors.code_at(secret, later), at=later) is None


def test_a_second_one_is_refused_until_the_first_is_removed(sessions: Sessions, keys: Keys, ada: int) -> None:
    set_up(sessions, keys, ada)
    with sessions.begin() as session:
        with pytest.raises(UserError, match="remove it first"):
            second_factors.begin(session, keys, ada, at=NOON)
        assert second_factors.remove(session, ada)
        assert not second_factors.remove(session, ada)
        assert second_factors.recovery_codes_left(session, ada) == 0
    set_up(sessions, keys, ada)


def test_the_database_holds_neither_secret_nor_recovery_code(sessions: Sessions, keys: Keys, ada: int) -> None:
    secret, codes = set_up(sessions, keys, ada)
    with sessions() as session:
        (sealed,) = session.execute(text("SELECT sealed FROM second_factors")).one()
        kept = session.execute(text("SELECT code_hash FROM recovery_codes")).scalars().all()

    assert base64.b32decode(secret) not in bytes(sealed)
    assert not {code.replace("-", "") for code in codes} & set(kept)


def test_a_secret_opens_for_its_operator_and_its_master_key_only(sessions: Sessions, keys: Keys, ada: int) -> None:
    secret, _codes = set_up(sessions, keys, ada)
    code = second_factors.code_at(secret, NOON + 9 * STEP)
    with pytest.raises(UserError, match="reset-second-factor"):
        use(sessions, Keys(b"x" * 32), ada, code, NOON + 9 * STEP)
    with sessions.begin() as session:
        bob = operators.create_operator(session, "bob", HASH, role="viewer", at=NOON).id
    set_up(sessions, keys, bob)
    with sessions.begin() as session:  # as whoever can write the database would
        session.execute(
            text("UPDATE second_factors SET sealed = (SELECT sealed FROM second_factors WHERE operator_id = :bob)"),
            {"bob": bob},
        )
    with pytest.raises(UserError, match="cannot be opened"):
        use(sessions, keys, ada, code, NOON + 9 * STEP)
