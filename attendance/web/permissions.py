"""What each role may do: one table of named permissions.

In: a role, the name of a permission.  Out: yes or no.
Does not know: requests and views (security.py asks on their behalf), a supervisor's departments (the session of the
request is limited to them).
Main choice: permissions are named by verb and object, and one table gives them to roles.  Trade-off: a role cannot be
put together on a page; a new one is a line of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

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
    "read_system",
    "acknowledge_alarm",
    "read_privacy",
    "read_audit",
    "export_audit",
]
PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))
# Permissions of these verbs open no view that changes something.
READING_VERBS = ("read_", "export_")

_SUPERVISOR: frozenset[Permission] = frozenset(
    {
        "use_own_account",
        "read_working_time",
        "read_report",
        "export_report",
        "read_correction",
        "decide_correction",
        "read_leave",
        "decide_leave",
    }
)
_VIEWER: frozenset[Permission] = frozenset(
    {
        "use_own_account",
        "read_overview",
        "read_log",
        "export_log",
        "read_person",
        "read_threshold",
        "read_camera",
        "read_door",
        "read_access",
        "read_working_time",
        "read_report",
        "export_report",
        "read_correction",
        "read_period",
        "read_roster",
        "read_leave",
    }
)
ROLE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    "viewer": _VIEWER,
    "supervisor": _SUPERVISOR,
    "admin": PERMISSIONS,
}


def roles_in_words() -> dict[str, str]:
    """Return what each role may do, as the names of its permissions."""
    return {role: ", ".join(sorted(names)).replace("_", " ") for role, names in ROLE_PERMISSIONS.items()}


def is_allowed(role: str, wanted: Permission) -> bool:
    """Return whether the role has the permission; an unknown role has none, an unknown permission is a ValueError."""
    if wanted not in PERMISSIONS:
        raise ValueError(f"{wanted!r} is not a valid permission")
    return wanted in ROLE_PERMISSIONS.get(role, frozenset())


def only_reads(wanted: Permission) -> bool:
    """Return whether the permission opens pages and files only, never a change."""
    return wanted.startswith(READING_VERBS)
