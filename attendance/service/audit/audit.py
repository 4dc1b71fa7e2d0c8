"""The audit: who did what, in the same transaction as the act.

In: a session, an actor, an action, a subject.  Out: an entry in the database.
Does not know: pages, who is signed in (the caller passes an `Actor`).
Main choice: entries name people and other subjects by number or random id only, and pages resolve it when they
show the entry, so that a name ends with its person.  Trade-off: after an erasure an entry tells that somebody
was erased, and not who it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy.orm import Session

from attendance.service.ids import new_event_id
from attendance.store.audit import entries
from attendance.store.privacy import erasures

ActorKind = Literal["operator", "command line", "system"]
Value = str | int | float | bool | None
_source: ContextVar[str] = ContextVar("source", default="")


class Action(StrEnum):
    """Every act that is recorded, as verb_object; stored by value: never rename one."""

    CREATE_OPERATOR = "create_operator"
    CHANGE_ROLE = "change_role"
    ACTIVATE_OPERATOR = "activate_operator"
    DEACTIVATE_OPERATOR = "deactivate_operator"
    END_SIGN_IN = "end_sign_in"
    CHANGE_PASSWORD = "change_password"  # noqa: S105  the name of an act
    ADD_SECOND_FACTOR = "add_second_factor"
    REMOVE_SECOND_FACTOR = "remove_second_factor"
    RESET_SECOND_FACTOR = "reset_second_factor"
    RENEW_RECOVERY_CODES = "renew_recovery_codes"
    USE_RECOVERY_CODE = "use_recovery_code"
    ISSUE_CREDENTIAL = "issue_credential"
    REVOKE_CREDENTIAL = "revoke_credential"
    USE_LINK = "use_link"
    ADD_PASSKEY = "add_passkey"
    RENAME_PASSKEY = "rename_passkey"
    REMOVE_PASSKEY = "remove_passkey"
    SUSPECT_PASSKEY = "suspect_passkey"
    APPLY_THRESHOLD = "apply_threshold"
    ACTIVATE_PERSON = "activate_person"
    DEACTIVATE_PERSON = "deactivate_person"
    ERASE_PERSON = "erase_person"
    ENROL_PHOTO = "enrol_photo"
    DELETE_TEMPLATE = "delete_template"
    GROW_TEMPLATE = "grow_template"
    USE_GROWN = "use_grown"
    TAKE_BACK_GROWN = "take_back_grown"
    GIVE_CONSENT = "give_consent"
    WITHDRAW_CONSENT = "withdraw_consent"
    PAIR_DEVICE = "pair_device"
    REVOKE_DEVICE = "revoke_device"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    RESTORE_BACKUP = "restore_backup"
    CONFIRM_CLOCK = "confirm_clock"
    CLOSE_PERIOD = "close_period"
    REOPEN_PERIOD = "reopen_period"
    APPROVE_CORRECTION = "approve_correction"
    REFUSE_CORRECTION = "refuse_correction"
    WITHDRAW_CORRECTION = "withdraw_correction"
    IMPORT_PUNCHES = "import_punches"
    REMOVE_IMPORT = "remove_import"
    REQUEST_LEAVE = "request_leave"
    ENTER_LEAVE = "enter_leave"
    APPROVE_LEAVE = "approve_leave"
    REFUSE_LEAVE = "refuse_leave"
    WITHDRAW_LEAVE = "withdraw_leave"
    CHANGE_LEAVE_RULES = "change_leave_rules"
    CHANGE_ENTITLEMENT = "change_entitlement"
    CHANGE_PREMIUM_RULES = "change_premium_rules"
    CHANGE_HOLIDAYS = "change_holidays"
    CHOOSE_CALENDAR = "choose_calendar"
    RENAME_DEPARTMENT = "rename_department"
    SUSPECT_PICTURES = "suspect_pictures"
    TEST_DOOR = "test_door"
    UNLOCK_DOOR = "unlock_door"
    CHANGE_DRIVER = "change_driver"
    CHANGE_CAMERA = "change_camera"
    CHANGE_DOOR_RULES = "change_door_rules"
    GRANT_ACCESS = "grant_access"
    REVOKE_ACCESS = "revoke_access"
    CHANGE_PERSON_ACCESS = "change_person_access"
    HOLD_DOOR = "hold_door"
    RELEASE_DOOR = "release_door"
    START_LOCKDOWN = "start_lockdown"
    END_LOCKDOWN = "end_lockdown"
    RUN_LIVENESS_DRILL = "run_liveness_drill"
    APPLY_LIVENESS_POINT = "apply_liveness_point"
    RUN_ACCEPTANCE_TEST = "run_acceptance_test"
    BEGIN_LEDGER = "begin_ledger"
    VIEW_DATA = "view_data"
    EXPORT_DATA = "export_data"
    FORGET_AUDIT = "forget_audit"
    IMPORT_OFFLINE = "import_offline"
    BEGIN_MUSTER = "begin_muster"
    TICK_MUSTER = "tick_muster"
    END_MUSTER = "end_muster"
    INVITE_VISITOR = "invite_visitor"
    END_VISIT = "end_visit"


SubjectKind = Literal[
    "operator",
    "person",
    "device",
    "period",
    "correction",
    "leave",
    "rules",
    "camera",
    "alarm",
    "import",
    "department",
    "calendar",
    "door",
    "schedule",
    "access level",
    "muster",
]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it.  `name`: an operator's user name, the command, or the part of the program."""

    kind: ActorKind
    name: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What the act was about: a number or random id, never a name.  A person's number is kept as the random id."""

    kind: SubjectKind
    id: int | str


def record(
    session: Session,
    *,
    actor: Actor,
    action: Action,
    at: datetime,
    subject: Subject | None = None,
    detail: Mapping[str, Value] | None = None,
) -> None:
    """Add one entry; the caller commits it together with the act.

    `detail`: small plain values, never a name, a template, a score of a person or a picture.  ValueError for
    values that are not plain.
    """
    plain = dict(detail or {})
    if not all(value is None or isinstance(value, (str, int, float, bool)) for value in plain.values()):
        raise ValueError("an entry's detail holds plain values only")
    entries.add_entry(
        session,
        entry_id=new_event_id(at),
        at=at,
        actor_kind=actor.kind,
        actor_name=actor.name,
        action=action.value,
        subject_kind=None if subject is None else subject.kind,
        subject_id=None if subject is None else _random_id(session, subject),
        detail=plain,
        source=_source.get(),
    )


def came_from(address: str) -> None:
    """Note from where the acts of this thread come from now on; "" for this computer."""
    _source.set(address)


def _random_id(session: Session, subject: Subject) -> str:
    """Return the random id of a person who was given by number; any other id as it is."""
    if subject.kind == "person" and isinstance(subject.id, int):
        return erasures.uid_of(session, subject.id) or str(subject.id)
    return str(subject.id)
