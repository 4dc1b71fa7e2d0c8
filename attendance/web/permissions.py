"""The permissions that views ask for, and whether a role has one.

In: a role, the name of a permission.  Out: yes or no; over whom.
Does not know: requests and views (security.py asks on their behalf), which departments are a supervisor's (the session
of the request is limited to them).
Main choice: a view asks for a verb and an object; a role is granted them with a scope, as `verb_scope_object`
(roles.py), so that one view serves roles that see everybody and roles that see their departments.  Trade-off: a role
cannot be put together on a page; a new one is a line of a table.
"""

from __future__ import annotations

from typing import Literal, get_args

from attendance.web.roles import GRANTED, Scope, split

Permission = Literal[
    "use_own_account",
    "read_overview",
    "read_log",
    "export_log",
    "read_person",
    "export_person",
    "edit_person",
    "erase_person",
    "record_consent",
    "enrol_person",
    "issue_credential",
    "read_threshold",
    "set_threshold",
    "read_camera",
    "edit_camera",
    "take_camera_picture",
    "read_door",
    "operate_door",
    "edit_door",
    "read_access",
    "edit_access",
    "read_right",
    "read_lockout",
    "read_visit",
    "invite_visitor",
    "end_visit",
    "read_muster",
    "tick_muster",
    "pair_device",
    "read_working_time",
    "read_report",
    "export_report",
    "read_correction",
    "request_correction",
    "decide_correction",
    "read_period",
    "close_period",
    "read_roster",
    "edit_roster",
    "edit_shift",
    "read_leave",
    "decide_leave",
    "edit_leave_rules",
    "edit_holiday",
    "import_check_ins",
    "manage_operator",
    "manage_owner",
    "read_system",
    "acknowledge_alarm",
    "read_privacy",
    "read_audit",
    "export_audit",
]
PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))
# Permissions of these verbs open no view that changes something.
READING_VERBS = ("read_", "export_")
# Of each role: its permissions, and over whom.
GRANTS: dict[str, dict[str, Scope]] = {role: dict(map(split, grants)) for role, grants in GRANTED.items()}


def is_allowed(role: str, wanted: Permission) -> bool:
    """Return whether the role has the permission; an unknown role has none, an unknown permission is a ValueError."""
    return scope_of(role, wanted) is not None


def scope_of(role: str, wanted: Permission) -> Scope | None:
    """Return over whom the role has the permission: the whole site, its departments, itself; None: it has it not."""
    if wanted not in PERMISSIONS:
        raise ValueError(f"{wanted!r} is not a valid permission")
    return GRANTS.get(role, {}).get(wanted)


def is_narrow(role: str) -> bool:
    """Return whether any grant of the role is for departments only: then no query of a request sees more."""
    return "department" in GRANTS.get(role, {}).values()


def only_reads(wanted: Permission) -> bool:
    """Return whether the permission opens pages and files only, never a change."""
    return wanted.startswith(READING_VERBS)
