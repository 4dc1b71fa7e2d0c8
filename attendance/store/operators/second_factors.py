"""The second factor of an operator: codes of an authenticator app (RFC 6238), passkeys, and recovery codes.

In: a session, the master key, an operator's id, a typed code, the present instant.  Out: secrets, answers.
Does not know: passwords, browsers, how often a code may be tried, how a passkey answers (passkeys.py).
Main choice: a code counts once, by compare-and-swap of its time step, so that a code that was seen being typed is
worth nothing.  Trade-off: whoever signs in twice within half a minute waits for the next code.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Literal

import pyotp
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.crypto import Damaged, Keys, token_digest
from attendance.store.tables.operators import Passkey, RecoveryCode
from attendance.store.tables.operators import SecondFactor as SecondFactor  # for the pages, which import no tables

STEP_S = 30
RECOVERY_CODES = 10
# A clock of a phone may be that wrong; RFC 6238 recommends one step for the way of the code as well.
_STEPS = (0, -1, 1)
# Who left the page of the picture begins anew.
_BEGUN_FOR = timedelta(minutes=15)
Used = Literal["code", "recovery code"]


def begin(session: Session, keys: Keys, operator_id: int, *, at: datetime) -> None:
    """Make a secret, in place of one that was not confirmed; UserError if the operator has an app."""
    if has_app(session, operator_id):
        raise UserError("you have an authenticator app already: remove it first")
    session.execute(delete(SecondFactor).where(SecondFactor.operator_id == operator_id))
    sealed = keys.seal_secret(secrets.token_bytes(20), _place(operator_id))  # 160 bits, as RFC 4226 has it
    session.add(SecondFactor(operator_id=operator_id, sealed=sealed, begun_at=at))
    session.flush()


def begun(session: Session, keys: Keys, operator_id: int, *, at: datetime) -> str | None:
    """Return the secret in base32 while it waits to be confirmed, for the page that shows it."""
    row = session.get(SecondFactor, operator_id)
    if row is None or row.confirmed_at is not None or abs(at - row.begun_at) > _BEGUN_FOR:
        return None
    return _secret(keys, row)


def confirm(session: Session, keys: Keys, operator_id: int, code: str, *, at: datetime) -> list[str] | None:
    """Turn the second factor on if the code is right; return recovery codes in clear text, None if it is wrong."""
    secret, row = begun(session, keys, operator_id, at=at), session.get(SecondFactor, operator_id)
    step = None if secret is None else _step_of(secret, code, at)
    if row is None or step is None:
        return None
    row.confirmed_at, row.last_step = at, step
    return new_recovery_codes(session, operator_id)


def is_on(session: Session, operator_id: int) -> bool:
    """Return whether this operator is asked for a second factor."""
    return has_app(session, operator_id) or has_passkey(session, operator_id)


def has_app(session: Session, operator_id: int) -> bool:
    """Return whether an authenticator app of this operator is set up."""
    query = select(SecondFactor.operator_id).where(SecondFactor.confirmed_at.is_not(None))
    return session.scalar(query.where(SecondFactor.operator_id == operator_id)) is not None


def has_passkey(session: Session, operator_id: int) -> bool:
    """Return whether this operator has a passkey."""
    return session.scalar(select(Passkey.id).where(Passkey.operator_id == operator_id).limit(1)) is not None


def use(session: Session, keys: Keys, operator_id: int, typed: str, *, at: datetime) -> Used | None:
    """Use up a code of the app or a recovery code; return which it was, None if it is wrong or was used.

    UserError if the secret was sealed by another master key.
    """
    row = session.get(SecondFactor, operator_id)
    step = None if row is None or row.confirmed_at is None else _step_of(_secret(keys, row), typed, at)
    if step is not None:
        newer = or_(SecondFactor.last_step.is_(None), SecondFactor.last_step < step)
        taken: Any = session.execute(
            update(SecondFactor).where(SecondFactor.operator_id == operator_id, newer).values(last_step=step)
        )
        return "code" if taken.rowcount == 1 else None
    gone: Any = session.execute(
        delete(RecoveryCode).where(
            RecoveryCode.operator_id == operator_id, RecoveryCode.code_hash == token_digest(_letters(typed))
        )
    )
    return "recovery code" if gone.rowcount == 1 else None


def new_recovery_codes(session: Session, operator_id: int) -> list[str]:
    """Return recovery codes in clear text, to be shown once; older ones stop working."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.operator_id == operator_id))
    # 80 random bits each, so that no slow hash is needed to keep them from being guessed.
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _number in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(operator_id=operator_id, code_hash=token_digest(code)) for code in codes)
    session.flush()
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def recovery_codes_left(session: Session, operator_id: int) -> int:
    query = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.operator_id == operator_id)
    return session.scalar(query) or 0


def remove(session: Session, operator_id: int) -> bool:
    """Forget app, passkeys and recovery codes; return whether there was any of them."""
    app = remove_app(session, operator_id)
    passkeys: Any = session.execute(delete(Passkey).where(Passkey.operator_id == operator_id))
    forget_codes_of_nothing(session, operator_id)
    return app or bool(passkeys.rowcount)


def remove_app(session: Session, operator_id: int) -> bool:
    """Forget the authenticator app; return whether there was one.  Recovery codes stay while there is a passkey."""
    gone: Any = session.execute(delete(SecondFactor).where(SecondFactor.operator_id == operator_id))
    forget_codes_of_nothing(session, operator_id)
    return bool(gone.rowcount)


def forget_codes_of_nothing(session: Session, operator_id: int) -> None:
    """Forget the recovery codes of an operator who has nothing left that they could replace."""
    if not is_on(session, operator_id):
        session.execute(delete(RecoveryCode).where(RecoveryCode.operator_id == operator_id))


def address(secret: str, username: str, site: str) -> str:
    """Return the otpauth:// address that an authenticator app reads from a QR picture."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=username, issuer_name=site)


def code_at(secret: str, at: datetime) -> str:
    """Return the code that an app with this secret shows at this instant."""
    return pyotp.TOTP(secret, interval=STEP_S).generate_otp(int(at.timestamp()) // STEP_S)


def _step_of(secret: str, typed: str, at: datetime) -> int | None:
    """Return the time step whose code this is, None if it is of none that is near."""
    digits, now = "".join(typed.split()), int(at.timestamp()) // STEP_S
    if not (digits.isascii() and digits.isdigit()):
        return None
    made = pyotp.TOTP(secret, interval=STEP_S)
    fitting = [now + off for off in _STEPS if hmac.compare_digest(made.generate_otp(now + off), digits)]
    return fitting[0] if fitting else None


def _secret(keys: Keys, row: SecondFactor) -> str:
    try:
        return base64.b32encode(keys.open_secret(row.sealed, _place(row.operator_id))).decode()
    except Damaged as error:
        raise UserError(
            "the second factor cannot be opened with this master key: have it reset on the computer of the site, "
            "operators reset-second-factor"
        ) from error


def _place(operator_id: int) -> str:
    return f"second factor:{operator_id}"


def _letters(typed: str) -> str:
    return "".join(letter for letter in typed.casefold() if letter.isalnum())
