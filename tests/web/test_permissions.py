"""The table of permissions, and that templates ask for permissions of the table only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest

from attendance.cli import operators as operators_cli
from attendance.store.operators.operators import ROLES
from attendance.web.permissions import GRANTS, PERMISSIONS, is_allowed, is_narrow, only_reads

TEMPLATES = Path(__file__).parents[2] / "templates"


def changes(role: str) -> set[str]:
    return {name for name in GRANTS[role] if not only_reads(name)} - {"use_own_account"}


def test_every_role_has_its_row_and_those_that_only_look_change_nothing() -> None:
    assert set(GRANTS) == set(ROLES) == set(operators_cli.ROLES.split())
    assert set(GRANTS["owner"]) == PERMISSIONS
    assert set(GRANTS["admin"]) == PERMISSIONS - {"manage_owner"}
    assert changes("viewer") == changes("auditor") == set()
    assert changes("supervisor") == {"decide_correction", "decide_leave", "tick_muster"}
    assert changes("enroller") == {
        "edit_person", "record_consent", "enrol_person", "issue_credential", "invite_visitor", "end_visit",
    }  # fmt: skip
    assert changes("privacy_officer") == {"erase_person", "record_consent"}


def test_only_a_supervisor_is_limited_to_departments_and_nobody_but_managers_manages_operators() -> None:
    assert [role for role in ROLES if is_narrow(role)] == ["supervisor"]
    assert {role for role in ROLES if is_allowed(role, "manage_operator")} == {"owner", "admin"}
    assert {role for role in ROLES if is_allowed(role, "read_audit")} == {
        "owner", "admin", "privacy_officer", "auditor",
    }  # fmt: skip


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
