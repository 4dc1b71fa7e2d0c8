"""People as rows of a long table: how they sort, and what a search looks at.

In: staff members.  Out: columns and texts for `web/listing.py`.
Does not know: what else a table shows of them.
"""

from __future__ import annotations

from attendance.store.hours.rosters import StaffMember
from attendance.texts import N_
from attendance.web.listing import Column

STAFF_COLUMNS: tuple[Column[StaffMember], ...] = (
    Column("person", N_("Person"), lambda one: one.name),
    Column("department", N_("Department"), lambda one: one.department or None),
)


def staff_texts(person: StaffMember) -> tuple[str, ...]:
    return person.name, person.staff_number or "", person.department
