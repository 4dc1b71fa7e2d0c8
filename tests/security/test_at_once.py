"""Two browsers at the same moment: what may happen once happens once, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.access.policy import holding
from attendance.store.access import musters
from attendance.store.faults import DatabaseLocked
from attendance.store.operators import operators, passkeys
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from tests.factories import NOON

AT_ONCE = 4
Act = Callable[[Session, int], bool]


def begin_a_muster(session: Session, number: int) -> bool:
    return musters.begin(session, f"operator {number}", NOON) is not None


def lock_down(session: Session, number: int) -> bool:
    return holding.lock_down(session, reason="", by=f"operator {number}", at=NOON) is not None


def add_a_passkey(session: Session, number: int) -> bool:
    try:
        passkeys.add(
            session, 1, credential_id=f"credential {number}", public_key=b"", sign_count=0, rp_id="here", name="",
            at=NOON,
        )  # fmt: skip
    except UserError:
        return False
    return True


@pytest.mark.parametrize("act", [begin_a_muster, lock_down, add_a_passkey])
def test_of_several_at_once_one_does_it(sessions: Sessions, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MOST", 1)
    with sessions.begin() as session:
        operators.create_operator(session, "ada", SecretHash("hash"), role="admin", at=NOON)
    together = Barrier(AT_ONCE)

    def browser(number: int) -> bool:
        together.wait()
        while True:
            try:
                with sessions.begin() as session:
                    return act(session, number)
            except DatabaseLocked:  # a busy computer: the page says so, and the browser tries again
                continue

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert sum(pool.map(browser, range(AT_ONCE))) == 1
