"""Long passwords that are guessed first are refused, and others are not."""

from __future__ import annotations

import pytest

from attendance.errors import UserError
from attendance.store.operators.operators import hashed_password
from attendance.store.operators.weak_passwords import is_weak


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "P@ssw0rd2024!", "Passwort123456", "qwertyuiop123", "123456789012", "aaaaaaaaaaaa",
        "abcabcabcabcabc", "Welcome2024!!", "Summer2024Summer", "adminadmin123", "letmein-letmein", "iloveyou1234",
        "ChangeMe12345", "Ada.Lovelace1", "lovelace-ada-2024", "111111111111", "mypassword123",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    assert is_weak(password, ["ada", "Ada Lovelace"])
    with pytest.raises(UserError, match="easily guessed"):
        hashed_password(password, names=["ada", "Ada Lovelace"])


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "a long enough password", "another long password", "xK7#mQ2!vLp9", "tulip-canoe-ladder",
     "Vier Kühe im Regen", "8c1f0e7d5b3a", "пароль-и-ещё-слова"],
)  # fmt: skip
def test_others_are_taken(password: str) -> None:
    assert not is_weak(password, ["ada", "Ada Lovelace"])
