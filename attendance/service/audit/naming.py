"""What the entries of the audit are about, by name.

In: a session, entries.  Out: the present name of each subject that still has one.
Does not know: pages, permissions.
Main choice: names are looked up when an entry is shown, for the kinds that these entries need.  Trade-off: an old entry
shows the present name, and a subject that is gone shows its number or random id only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC

from sqlalchemy.orm import Session

from attendance.store.access import policies
from attendance.store.access.doors import list_doors
from attendance.store.audit.entries import AuditEntry
from attendance.store.kiosk.devices import list_devices
from attendance.store.operators.operators import list_operators


def subject_names(session: Session, entries: Iterable[AuditEntry]) -> dict[tuple[str, str], str]:
    """Return names by kind and id.  People are not among them: `erasures.names_of` gives their numbers, too."""
    entries = list(entries)
    kinds = {entry.subject_kind or "" for entry in entries} & set(_NAMED)
    if any("level" in entry.detail for entry in entries):
        kinds.add("access level")
    return {(kind, str(number)): name for kind in kinds for number, name in _NAMED[kind](session).items()}


def _operators(session: Session) -> Mapping[int, str]:
    return {one.id: one.username for one in list_operators(session)}


def _doors(session: Session) -> Mapping[int, str]:
    return {one.id: one.name for one in list_doors(session)}


def _devices(session: Session) -> Mapping[int, str]:
    return {one.id: one.name for one in list_devices(session)}


def _schedules(session: Session) -> Mapping[int, str]:
    # Only names are read, so any zone will do.
    return {number: one.name for number, one in policies.load_rules(session, UTC).schedules.items()}


def _levels(session: Session) -> Mapping[int, str]:
    return {number: one.name for number, one in policies.load_rules(session, UTC).levels.items()}


_NAMED: Mapping[str, Callable[[Session], Mapping[int, str]]] = {
    "operator": _operators,
    "door": _doors,
    "device": _devices,
    "schedule": _schedules,
    "access level": _levels,
}
