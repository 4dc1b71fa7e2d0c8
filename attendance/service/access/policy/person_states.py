"""What doors know about a person beside the grants: switched off, locked out, more time, exemptions.

In: a session, a person, checked values.  Out: a changed row, and a new version of the rules.
Does not know: pages, who may do it, the audit (the view records the act).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.access.rules.people import Exemption
from attendance.errors import UserError
from attendance.store.access import policies

KEYS = frozenset({"enabled", "reason", "locked_until", "extended", "exemptions"})


def change(session: Session, person_id: int, values: Mapping[str, Any], at: datetime) -> None:
    """Change what doors know about this person; `values`: of KEYS.  UserError for an exemption that there is not."""
    if set(values) - KEYS:
        raise KeyError(sorted(set(values) - KEYS)[0])
    if set(values.get("exemptions", ())) - {str(each) for each in Exemption}:
        raise UserError("choose the exemptions from the list")
    row = policies.state_of(session, person_id)
    for key, value in values.items():
        setattr(row, key, value)
    session.flush()
    policies.bump_version(session, at)
