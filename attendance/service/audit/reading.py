"""Views and exports of personal data, noted.

In: a session factory, who looked, at which page, about whom.  Out: an entry, once in ten minutes for the same view.
Does not know: requests.
Main choice: the same operator who looks at the same page of the same person again within ten minutes is one view, so
that a page that loads itself anew does not fill the trail.  Each export is an entry of its own.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.store.session import Sessions

AGAIN_AFTER = timedelta(minutes=10)
_MOST = 10_000


class Readings:
    """Remembers the views of the last minutes.  For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, int | None], datetime] = {}

    def note(
        self, sessions: Sessions, actor: Actor, page: str, person_id: int | None, at: datetime, export: bool
    ) -> bool:
        """Note a view or an export; return whether an entry was added."""
        key = (actor.name, page, person_id)
        with self._lock:
            last = self._seen.get(key)
            if not export and last is not None and abs(at - last) < AGAIN_AFTER:
                return False
        subject = None if person_id is None else Subject("person", person_id)
        action = Action.EXPORT_DATA if export else Action.VIEW_DATA
        with sessions.begin() as session:
            audit.record(session, actor=actor, action=action, subject=subject, detail={"page": page}, at=at)
        with self._lock:
            if len(self._seen) >= _MOST:
                self._seen.clear()
            self._seen[key] = at
        return True
