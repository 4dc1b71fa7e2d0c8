"""Names that were replaced: how the old one goes on working, with a warning, for two releases.

In: an old and a new name.  Out: one line in the log.
Does not know: settings, commands, files; each keeps its own list of old names beside the new ones.
"""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)
# Releases after the rename in which the old name is still accepted; CHANGELOG says which.
KEPT_FOR = "two releases"


def warn_renamed(where: str, old: str, new: str) -> None:
    """Log that `old`, found in `where` (a file, a variable, a command), is called `new` now."""
    log.warning("%s: %s is called %s now; the old name is accepted for %s", where, old, new, KEPT_FOR)
