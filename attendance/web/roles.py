"""What each role may do: the table of roles, each grant written as `verb_scope_object`.

In: nothing.  Out: the table; roles in words.
Does not know: views, requests.
Main choice: scopes are `site` (everybody), `department` (the operator's departments) and `own` (the operator's account
or person).  Employees and devices are not operators: their rooms have their own guards (me/guard.py and
kiosk/tablet.py), and their rows say what those guards allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from attendance.texts import N_

Scope = Literal["site", "department", "own"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_OWN = "use_own_account"
_HOURS_READ = """read_site_working_time read_site_report export_site_report read_site_correction read_site_period
    read_site_roster read_site_leave"""
_VIEWER = f"""{_OWN} read_site_overview read_site_log export_site_log read_site_person read_site_threshold
    read_site_camera read_site_door read_site_access read_site_right read_site_lockout read_site_muster
    read_site_visit {_HOURS_READ}"""
_ADMIN = f"""{_VIEWER} export_site_person edit_site_person erase_site_person record_site_consent enrol_site_person
    issue_site_credential set_site_threshold edit_site_camera take_site_camera_picture operate_site_door
    edit_site_door edit_site_access invite_site_visitor end_site_visit tick_site_muster pair_site_device
    request_site_correction decide_site_correction close_site_period edit_site_roster edit_site_shift
    decide_site_leave edit_site_leave_rules edit_site_holiday import_site_check_ins manage_site_operator
    read_site_system acknowledge_site_alarm read_site_privacy read_site_audit export_site_audit"""

_TABLE: Mapping[str, str] = {
    "owner": f"{_ADMIN} manage_site_owner",
    "admin": _ADMIN,
    "enroller": f"""{_OWN} read_site_person edit_site_person record_site_consent enrol_site_person
        issue_site_credential read_site_visit invite_site_visitor end_site_visit""",
    "hr": f"""{_OWN} read_site_overview read_site_person edit_site_person read_site_muster tick_site_muster
        {_HOURS_READ} request_site_correction decide_site_correction close_site_period edit_site_roster
        edit_site_shift decide_site_leave edit_site_leave_rules edit_site_holiday import_site_check_ins""",
    "supervisor": f"""{_OWN} read_department_working_time read_department_report export_department_report
        read_department_correction decide_department_correction read_department_leave decide_department_leave
        read_department_muster tick_department_muster""",
    "security_officer": f"""{_OWN} read_site_overview read_site_log export_site_log read_site_person
        read_site_threshold set_site_threshold read_site_camera edit_site_camera take_site_camera_picture
        read_site_door operate_site_door edit_site_door read_site_access edit_site_access read_site_right
        read_site_lockout read_site_visit invite_site_visitor end_site_visit read_site_muster tick_site_muster
        pair_site_device read_site_system acknowledge_site_alarm""",
    "privacy_officer": f"""{_OWN} read_site_log read_site_person export_site_person erase_site_person
        record_site_consent read_site_privacy read_site_audit""",
    "auditor": f"""{_OWN} read_site_log read_site_threshold read_site_camera read_site_door read_site_access
        read_site_right read_site_lockout read_site_period read_site_system read_site_privacy read_site_audit
        export_site_audit""",
    "integration": f"""{_OWN} read_site_report export_site_report read_site_period import_site_check_ins""",
    "viewer": _VIEWER,
}
GRANTED: Mapping[str, frozenset[str]] = {role: frozenset(grants.split()) for role, grants in _TABLE.items()}

# What the guards of their own rooms let people and devices do who are not operators.
_OTHERS: Mapping[str, str] = {
    "employee": f"""{_OWN} read_own_working_time export_own_person request_own_correction request_own_leave
        withdraw_own_consent""",
    "device": "check_in_site_person show_site_greeting",
}
OTHERS: Mapping[str, frozenset[str]] = {who: frozenset(grants.split()) for who, grants in _OTHERS.items()}
NAMES: Mapping[str, str] = {
    "owner": N_("owner"),
    "admin": N_("administrator"),
    "enroller": N_("enroller"),
    "hr": N_("HR"),
    "supervisor": N_("supervisor"),
    "security_officer": N_("security officer"),
    "privacy_officer": N_("privacy officer"),
    "auditor": N_("auditor"),
    "integration": N_("integration"),
    "viewer": N_("viewer"),
    "employee": N_("employee"),
    "device": N_("device"),
}
WORDS: Mapping[str, str] = {
    "owner": N_("Owner: what an administrator may, and appoints owners"),
    "admin": N_("Administrator: sees and changes everything"),
    "enroller": N_("Enroller: adds people, notes consent, takes photos, gives PINs and badges, invites visitors"),
    "hr": N_("HR: working time, leave, shifts and periods of everybody; people’s names and dates"),
    "supervisor": N_("Supervisor: sees the working time of some departments and decides their corrections"),
    "security_officer": N_(
        "Security officer: doors, access, visitors, cameras, threshold, tablets, alarms and the log"
    ),
    "privacy_officer": N_("Privacy officer: consent, records, erasures and the audit"),
    "auditor": N_("Auditor: reads rules, log, periods and the audit; changes nothing"),
    "integration": N_("Integration: a payroll program; takes reports out and check-ins of other terminals in"),
    "viewer": N_("Viewer: sees everything, changes nothing"),
}


def split(grant: str) -> tuple[str, Scope]:
    """Return a grant's permission and its scope; ValueError if it is not written as verb_scope_object."""
    for scope in SCOPES:
        verb, found, thing = grant.partition(f"_{scope}_")
        if found and verb and thing:
            # An account is always one's own, and the views ask for it by this name.
            return (grant if scope == "own" else f"{verb}_{thing}"), scope
    raise ValueError(f"{grant!r} is not written as verb_scope_object")


def roles_in_words() -> dict[str, str]:
    """Return what each role may do, as its grants."""
    table = {**GRANTED, **OTHERS}
    return {str(NAMES[role]): ", ".join(sorted(grants)) for role, grants in table.items()}
