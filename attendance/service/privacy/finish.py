"""What an erasure still needs after its transaction, in short steps outside requests.

In: sessions, settings, keys, pending erasures.  Out: erasures that are done; nothing raised for what must wait.
Does not know: who asked for an erasure.
Main choice: each place is finished by itself and noted, and what cannot be done yet (a reader holds the log) is tried
again at the next turn.  An erasure is done once every place is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from attendance.config import Settings
from attendance.errors import UserError
from attendance.service.ports import Clock
from attendance.service.privacy import key_backups, recentre
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.operations import scrub
from attendance.store.privacy import erasures, person_keys
from attendance.store.privacy.erasures import Erasure
from attendance.store.session import Sessions, engine_of

log = logging.getLogger(__name__)
FINISH_EVERY = timedelta(seconds=20)
# Doors look for another gallery every second, and drop a stale one after 30.
_MEMORY = timedelta(seconds=30)


def finish_erasures(sessions: Sessions, keys: Keys, settings: Settings, clock: Clock) -> int:
    """Do what is left of every pending erasure; return how many are done now."""
    now = clock.now()
    with sessions() as session:
        waiting = erasures.pending(session)
        live = set(person_keys.all_keys(session)) if waiting else set()
    if not waiting:
        return 0
    engine = engine_of(sessions)
    model_id, newest = settings.models.recogniser, max(row.at for row in waiting)
    steps: Mapping[str, Callable[[], bool]] = {
        "camera picture": lambda: _drop_pictures(sessions),
        "centre": lambda: recentre.without_the_erased(sessions, keys, settings, model_id, clock, newest),
        "key backups": lambda: _clean_key_backups(settings, live),
        "memory": lambda: all(now - row.at >= _MEMORY for row in waiting),
        # Last: what the others wrote passes through the log, too.
        "free pages": lambda: scrub.give_back_pages(engine) == 0 or not scrub.gives_back(engine),
        "database log": lambda: scrub.empty_log(engine),
    }
    done = {name for name, step in steps.items() if _tried(name, step)}
    finished = 0
    with sessions.begin() as session:
        for row in waiting:
            kept = session.get(Erasure, row.id)
            if kept is None:
                continue
            noted = {name: now.isoformat(timespec="seconds") for name in done} | dict(kept.steps)
            kept.steps = noted
            if steps.keys() <= noted.keys():
                kept.done_at = now
                finished += 1
    # The note itself is the newest page of the log.
    scrub.empty_log(engine)
    if finished:
        log.info("%d erasures are done in every place", finished)
    return finished


def _drop_pictures(sessions: Sessions) -> bool:
    """Delete every test picture: anybody may be on it."""
    with sessions.begin() as session:
        for camera in cameras.list_cameras(session):
            cameras.drop_snapshot(session, camera.name)
    return True


def _clean_key_backups(settings: Settings, live: set[str]) -> bool:
    if settings.backup.key_folder:
        key_backups.keep_only(Path(settings.backup.key_folder), live)
    return True


def _tried(name: str, step: Callable[[], bool]) -> bool:
    try:
        return step()
    except UserError as error:
        log.warning("an erasure waits (%s): %s", name, error)
        return False
