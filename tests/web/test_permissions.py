"""The table of permissions, and that templates ask for permissions of the table only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest

from attendance.store.operators.operators import ROLES
from attendance.web.permissions import PERMISSIONS, ROLE_PERMISSIONS, is_allowed, only_reads

TEMPLATES = Path(__file__).parents[2] / "templates"


def test_every_role_has_its_row_and_only_an_administrator_changes_more_than_corrections_and_leave() -> None:
    assert set(ROLE_PERMISSIONS) == set(ROLES)
    assert ROLE_PERMISSIONS["admin"] == PERMISSIONS
    assert {name for name in ROLE_PERMISSIONS["viewer"] if not only_reads(name)} == {"use_own_account"}
    assert {name for name in ROLE_PERMISSIONS["supervisor"] if not only_reads(name)} == {
        "use_own_account",
        "decide_correction",
        "decide_leave",
    }


def test_an_unknown_role_may_nothing_and_an_unknown_permission_is_an_error() -> None:
    assert not any(is_allowed("nobody", name) for name in PERMISSIONS)
    with pytest.raises(ValueError, match="not a valid permission"):
        is_allowed("admin", cast(Any, "edit_persom"))


def test_templates_ask_for_permissions_of_the_table() -> None:
    asked = {
        name
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(r'allowed\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }

    assert asked
    assert asked <= PERMISSIONS
