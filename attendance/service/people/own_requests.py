"""What holds for all that people ask for themselves, corrections and leave: how much may wait, and who decides.

In: how many requests wait, ids of people.  Out: a UserError that says why not.
Does not know: what is asked for, where it is kept.
"""

from __future__ import annotations

from attendance.errors import UserError

BY = "self-service"  # who asked, in the record of a request
MOST_WAITING = 20


def require_room(waiting: int) -> None:
    """Raise UserError if so many requests of one person wait that no more are taken."""
    if waiting >= MOST_WAITING:
        raise UserError(
            "%(most)s of your requests wait already: withdraw one, or wait for a decision",
            most=MOST_WAITING,
        )


def require_another_person(person_id: int, decider: int | None) -> None:
    """Raise UserError if `decider` would decide about themselves.  None: an operator whom no person is known for."""
    if decider is not None and person_id == decider:
        raise UserError("nobody decides about themselves: leave it to another supervisor or an administrator")
