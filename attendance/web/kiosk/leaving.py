"""Unpairing a tablet on the spot, by an administrator whose password was right.

In: a database, a user name, a password, a code.  Out: whether the tablet is unpaired.
Does not know: requests, how often may be guessed.
Main choice: whoever has a second factor gives a code of the app or a recovery code.  Trade-off: a tablet holds no
passkeys, so an operator who has nothing else needs a recovery code.
"""

from __future__ import annotations

from datetime import datetime

from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.store.crypto import Keys
from attendance.store.kiosk import devices
from attendance.store.operators import operators, second_factors
from attendance.store.session import Sessions
from attendance.web.permissions import is_allowed


def unpair(
    sessions: Sessions, keys: Keys, username: str, password: str, code: str, device_id: int, at: datetime
) -> bool:
    """Revoke the device if the operator may pair one and the password is right; both acts are audited.

    Not if the operator has a second factor and `code` is not one.
    """
    operator = operators.authenticate(sessions, username, password)
    if operator is None or not is_allowed(operator.role, "pair_device"):
        return False
    actor = Actor("operator", operator.username)
    with sessions.begin() as session:
        if second_factors.is_on(session, operator.id):
            used = second_factors.use(session, keys, operator.id, code, at=at)
            if used is None:
                return False
            if used == "recovery code":
                left = {"left": second_factors.recovery_codes_left(session, operator.id)}
                holder = Subject("operator", operator.id)
                audit.record(session, actor=actor, action=Action.USE_RECOVERY_CODE, subject=holder, detail=left, at=at)
        devices.revoke(session, device_id, at=at)
        audit.record(session, actor=actor, action=Action.REVOKE_DEVICE, subject=Subject("device", device_id), at=at)
    return True
