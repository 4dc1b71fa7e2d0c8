"""The words of the page Audit: acts, subjects, pages and details of entries as people read them.

In: stored values of an entry.  Out: texts of the present request's language.
Does not know: who may see them, names of subjects (the page gives them).
Main choice: one table for each kind of value, held complete by tests; the trail and its signed file keep what is
stored.  Trade-off: a value that no table knows, for example of a later version, is shown as it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping

from attendance.service.access.doors.driver_settings import DRIVERS
from attendance.service.audit.audit import Action, SubjectKind, Value
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web import roles
from attendance.web.access.doors import MODES
from attendance.web.formats import decimal
from attendance.web.privacy.consent_words import PURPOSES

ACTS: Mapping[Action, str] = {
    Action.CREATE_OPERATOR: N_("Added an operator"),
    Action.CHANGE_ROLE: N_("Changed a role"),
    Action.ACTIVATE_OPERATOR: N_("Activated an operator"),
    Action.DEACTIVATE_OPERATOR: N_("Deactivated an operator"),
    Action.END_SIGN_IN: N_("Ended a sign-in"),
    Action.CHANGE_PASSWORD: N_("Changed their password"),
    Action.ADD_SECOND_FACTOR: N_("Set up a second factor"),
    Action.REMOVE_SECOND_FACTOR: N_("Removed a second factor"),
    Action.RESET_SECOND_FACTOR: N_("Reset an operator’s second factor"),
    Action.RENEW_RECOVERY_CODES: N_("Made new recovery codes"),
    Action.USE_RECOVERY_CODE: N_("Used a recovery code"),
    Action.ISSUE_CREDENTIAL: N_("Gave a PIN, badge or link"),
    Action.REVOKE_CREDENTIAL: N_("Revoked a PIN, badge or link"),
    Action.USE_LINK: N_("Used a personal link"),
    Action.ADD_PASSKEY: N_("Added a passkey"),
    Action.RENAME_PASSKEY: N_("Renamed a passkey"),
    Action.REMOVE_PASSKEY: N_("Removed a passkey"),
    Action.SUSPECT_PASSKEY: N_("Suspected a copy of a passkey"),
    Action.RUN_LIVENESS_DRILL: N_("Ran a liveness drill"),
    Action.APPLY_LIVENESS_POINT: N_("Applied a liveness threshold"),
    Action.RUN_ACCEPTANCE_TEST: N_("Ran an acceptance test"),
    Action.APPLY_THRESHOLD: N_("Applied a threshold"),
    Action.ACTIVATE_PERSON: N_("Activated a person"),
    Action.DEACTIVATE_PERSON: N_("Deactivated a person"),
    Action.ERASE_PERSON: N_("Erased a person"),
    Action.ENROL_PHOTO: N_("Added a photo"),
    Action.DELETE_TEMPLATE: N_("Deleted a template"),
    Action.GROW_TEMPLATE: N_("Kept a look as a template"),
    Action.USE_GROWN: N_("Put grown templates in use"),
    Action.TAKE_BACK_GROWN: N_("Took grown templates back"),
    Action.GIVE_CONSENT: N_("Recorded a consent"),
    Action.WITHDRAW_CONSENT: N_("Withdrew a consent"),
    Action.PAIR_DEVICE: N_("Paired a tablet or screen"),
    Action.REVOKE_DEVICE: N_("Revoked a tablet or screen"),
    Action.ACKNOWLEDGE_ALARM: N_("Acknowledged an alarm"),
    Action.RESTORE_BACKUP: N_("Restored a backup"),
    Action.CONFIRM_CLOCK: N_("Confirmed the computer's clock"),
    Action.CLOSE_PERIOD: N_("Closed a period"),
    Action.REOPEN_PERIOD: N_("Reopened a period"),
    Action.APPROVE_CORRECTION: N_("Approved a correction"),
    Action.REFUSE_CORRECTION: N_("Refused a correction"),
    Action.WITHDRAW_CORRECTION: N_("Withdrew a correction"),
    Action.IMPORT_PUNCHES: N_("Imported check-ins"),
    Action.REMOVE_IMPORT: N_("Removed imported check-ins"),
    Action.REQUEST_LEAVE: N_("Asked for leave"),
    Action.ENTER_LEAVE: N_("Entered leave"),
    Action.APPROVE_LEAVE: N_("Approved leave"),
    Action.REFUSE_LEAVE: N_("Refused leave"),
    Action.WITHDRAW_LEAVE: N_("Withdrew leave"),
    Action.CHANGE_LEAVE_RULES: N_("Changed the rules of leave"),
    Action.CHANGE_ENTITLEMENT: N_("Changed somebody’s days of leave"),
    Action.CHANGE_PREMIUM_RULES: N_("Changed night, Sunday and holiday hours"),
    Action.CHANGE_HOLIDAYS: N_("Changed public holidays"),
    Action.CHOOSE_CALENDAR: N_("Chose a calendar of holidays"),
    Action.RENAME_DEPARTMENT: N_("Renamed a department"),
    Action.SUSPECT_PICTURES: N_("Suspected the pictures of a camera"),
    Action.TEST_DOOR: N_("Tested a door"),
    Action.UNLOCK_DOOR: N_("Unlocked a door"),
    Action.CHANGE_DRIVER: N_("Changed a door’s driver"),
    Action.CHANGE_CAMERA: N_("Changed a camera"),
    Action.CHANGE_DOOR_RULES: N_("Changed the rules of doors"),
    Action.GRANT_ACCESS: N_("Gave an access level"),
    Action.REVOKE_ACCESS: N_("Took an access level away"),
    Action.CHANGE_PERSON_ACCESS: N_("Changed a person’s access"),
    Action.IMPORT_OFFLINE: N_("Brought in passages of a time without the database"),
    Action.HOLD_DOOR: N_("Held a door"),
    Action.RELEASE_DOOR: N_("Released a door"),
    Action.START_LOCKDOWN: N_("Started a lockdown"),
    Action.END_LOCKDOWN: N_("Ended a lockdown"),
    Action.BEGIN_MUSTER: N_("Began a muster"),
    Action.TICK_MUSTER: N_("Ticked somebody in a muster"),
    Action.END_MUSTER: N_("Ended a muster"),
    Action.INVITE_VISITOR: N_("Invited a visitor"),
    Action.END_VISIT: N_("Ended a visit"),
    Action.BEGIN_LEDGER: N_("Began a new ledger of erasures"),
    Action.VIEW_DATA: N_("Viewed personal data"),
    Action.EXPORT_DATA: N_("Exported personal data"),
    Action.FORGET_AUDIT: N_("Removed old entries of the audit"),
}
SUBJECTS: Mapping[SubjectKind, str] = {
    "operator": N_("operator"),
    "person": N_("person"),
    "device": N_("tablet or screen"),
    "period": N_("period"),
    "correction": N_("correction"),
    "leave": N_("leave"),
    "rules": N_("rules"),
    "camera": N_("camera"),
    "alarm": N_("alarm"),
    "import": N_("import"),
    "department": N_("department"),
    "calendar": N_("calendar of holidays"),
    "door": N_("door"),
    "schedule": N_("schedule"),
    "access level": N_("access level"),
    "muster": N_("muster"),
}
# What was viewed or exported, by the endpoint of the view that showed it.
PAGES: Mapping[str, str] = {
    "enrol.templates": N_("Photos of a person"),
    "look_alikes.index": N_("Look-alikes"),
    "log.index": N_("Log"),
    "log.rows": N_("Log"),
    "log.csv": N_("Log as a file"),
    "why.page": N_("Why? of an entry of the log"),
    "audit.page": N_("Audit"),
    "departments.index": N_("Departments"),
    "privacy.record": N_("Record of a person as a page"),
    "privacy.record_json": N_("Record of a person as a JSON file"),
    "working_time.today": N_("Working time: today"),
    "working_time.calendar": N_("Working time: calendar"),
    "working_time.day_page": N_("A day of a person"),
    "corrections.inbox": N_("Corrections"),
    "rostering.index": N_("Rosters"),
    "leave.index": N_("Leave"),
    "leave.calendar": N_("Leave: calendar"),
    "leave.balances_page": N_("Leave: balances"),
    "holidays.page": N_("Public holidays"),
    "premiums.page": N_("Night, Sunday and holiday hours"),
    "report_pages.index": N_("Reports"),
    "report_pages.page": N_("A report"),
    "report_pages.file": N_("A report as a file"),
    "report_pages.making": N_("A report in the making"),
    "report_pages.making_standing": N_("A report in the making"),
    "report_pages.made_file": N_("A report as a file"),
    "report_pages.check_ins": N_("Check-ins as a file"),
    "levels.show": N_("Who has an access level"),
    "who_passes.page": N_("Who can pass"),
    "locked_out.page": N_("People who are locked out"),
    "muster.page": N_("Who is in the building"),
    "muster.file": N_("Who is in the building, as a file"),
    "muster.state": N_("Who is in the building"),
    "visitors.page": N_("Visitors"),
    "people.index": N_("People"),
    "people.show": N_("Page of a person"),
}
DETAILS: Mapping[str, str] = {
    "camera": N_("camera or tablet"),
    "act": N_("number"),
    "after": N_("after"),
    "again": N_("again, by the ledger"),
    "all": N_("everywhere"),
    "applied": N_("in force"),
    "backup": N_("backup"),
    "computer": N_("computer"),
    "before": N_("before"),
    "calendar": N_("calendar"),
    "check_ins": N_("check-ins"),
    "duress_pin": N_("PIN for duress"),
    "credential": N_("which"),
    "day": N_("day"),
    "direction": N_("direction"),
    "door": N_("door number"),
    "drill": N_("drill"),
    "driver": N_("driver"),
    "missing": N_("not met"),
    "safe": N_("safe"),
    "enabled": N_("access"),
    "enough": N_("enough to decide"),
    "entry": N_("entry number"),
    "erased_again": N_("erased again"),
    "first": N_("first"),
    "form": N_("format"),
    "from": N_("from"),
    "grant": N_("grant number"),
    "granted": N_("let in"),
    "imported": N_("from the settings file"),
    "added": N_("added"),
    "asks_while_unproven": N_("asks while the networks are not proven"),
    "in_use": N_("in use"),
    "joined": N_("joined with another"),
    "last": N_("last"),
    "left": N_("codes left"),
    "level": N_("access level"),
    "mode": N_("mode"),
    "model": N_("recogniser"),
    "page": N_("what"),
    "passages": N_("passages"),
    "passkey": N_("passkey number"),
    "people": N_("people"),
    "purposes": N_("purposes"),
    "reason": N_("reason"),
    "refused": N_("refused because"),
    "removed": N_("removed"),
    "role": N_("role"),
    "rows": N_("rows"),
    "schedule": N_("schedule number"),
    "scoring": N_("way of comparing"),
    "seconds": N_("seconds"),
    "source": N_("source"),
    "suspicion": N_("suspicion"),
    "template": N_("template number"),
    "templates": N_("templates"),
    "threshold": N_("threshold"),
    "until": N_("until"),
    "visit": N_("visit number"),
    "what": N_("change"),
    "year": N_("year"),
}
# Values of `what` and of other details that are written as one word in the trail.
CHANGES: Mapping[str, str] = {
    "add": N_("added"),
    "add door": N_("door added"),
    "add entry": N_("entry added"),
    "access point": N_("camera or tablet of a door"),
    "area": N_("area"),
    "create": N_("created"),
    "default level": N_("level for new people"),
    "delete": N_("deleted"),
    "door": N_("door"),
    "doubts": N_("doubts that ask for a second proof"),
    "for new people": N_("new people get it"),
    "for visitors": N_("visitors may get it"),
    "import": N_("imported"),
    "level": N_("access level"),
    "not for new people": N_("new people do not get it"),
    "not for visitors": N_("visitors do not get it"),
    "ordinary": N_("special day removed"),
    "holidays": N_("closed on holidays"),
    "point": N_("camera or tablet moved here"),
    "purposes": N_("what a camera or tablet is for"),
    "proofs": N_("what people prove at the door"),
    "remove": N_("removed"),
    "remove door": N_("door removed"),
    "rename": N_("renamed"),
    "rules": N_("settings of the door"),
    "region": N_("where it looks for faces"),
    "schedule": N_("schedule"),
    "special": N_("special day set"),
    "week": N_("week"),
}
CREDENTIALS: Mapping[str, str] = {"PIN": N_("PIN"), "badge": N_("badge"), "link": N_("link")}
SOURCES: Mapping[str, str] = {
    "card default": N_("the weights’ own threshold"),
    "administrator": N_("chosen by an operator"),
}


def act_words(stored: str) -> str:
    """Return an act in words."""
    words = _ACTS.get(stored)
    return _(words) if words else stored.replace("_", " ")


def subject_words(kind: str, number: str, names: Mapping[tuple[str, str], str]) -> str:
    """Return what an entry is about: its kind, and its name or what is left of it."""
    words = _(SUBJECTS[kind]) if kind in _KINDS else kind
    if kind == "door" and number == "all":
        return _("all doors")
    return f"{words} {names.get((kind, number), number)}"


def detail_words(detail: Mapping[str, Value], names: Mapping[tuple[str, str], str]) -> str:
    """Return the details of an entry as one line; what was left empty is left out."""
    parts = []
    for key, value in detail.items():
        if value is None or value == "":
            continue
        label = _(DETAILS[key]) if key in DETAILS else key.replace("_", " ")
        parts.append(_("%(label)s: %(value)s", label=label, value=_value(key, value, names)))
    return " · ".join(parts)


def _value(key: str, value: Value, names: Mapping[tuple[str, str], str]) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return decimal(value, 3 if key == "threshold" else 1)
    text = str(value)
    if key == "purposes":
        return ", ".join(_(PURPOSES[one]) if one in PURPOSES else one for one in text.split("+"))
    if key == "level":
        return names.get(("access level", text), text)
    words = _VALUES.get(key, {}).get(text)
    return _(words) if words else text


_ACTS = {action.value: words for action, words in ACTS.items()}
_KINDS = frozenset(SUBJECTS)
_VALUES: Mapping[str, Mapping[str, str]] = {
    "page": PAGES,
    "what": CHANGES,
    "role": roles.NAMES,
    "mode": {mode.value: words for mode, words in MODES.items()},
    "source": SOURCES,
    "direction": {"in": N_("in"), "out": N_("out"), "unknown": N_("unknown")},
    "computer": {"any": N_("any")},
    "credential": CREDENTIALS,
    "driver": {key: kind.title for key, kind in DRIVERS.items()},
}
