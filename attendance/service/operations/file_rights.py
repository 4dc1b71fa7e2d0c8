"""Which files of a site other users of the computer may read, or own.

In: the site's settings, its database file, its key file.  Out: what is wrong with each, and the command that mends it.
Does not know: who asks; it changes nothing.
Main choice: programs make their files for their own user alone (umask 077), and this looks at those that were made
before or moved here.  Trade-off: nothing is refused for it, since a site that will not start guards nobody's door.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attendance import config
from attendance.config import Settings
from attendance.errors import without_secrets
from attendance.texts import gettext as _

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Exposed:
    """`grave`: whoever may read it can read every template, or sign in as anybody."""

    words: str
    advice: str
    grave: bool


def exposed(settings: Settings, database: Path | None, key: Path | None) -> list[Exposed]:
    """Return what other users of this computer could read or change, the gravest first."""
    found = [
        *_file(key, _OTHERS, "600", grave=True),
        *_file(database, _OTHERS, "600", grave=False),
        *_file(_settings_file(settings), stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP, "640", grave=False),
    ]
    if database is not None:
        for ending in ("-wal", "-shm"):
            found += _file(Path(f"{database}{ending}"), _OTHERS, "600", grave=False)
    for folder in (settings.backup.folder, settings.logs.folder):
        if folder and Path(folder).is_dir():
            found += _file(Path(folder), stat.S_IROTH | stat.S_IWOTH, "700", grave=False)
    return sorted(found, key=lambda one: not one.grave)


def _settings_file(settings: Settings) -> Path | None:
    """Return the settings' file if a secret is written in it."""
    file = settings.base_dir / "config.toml"
    secrets = [
        str(getattr(getattr(settings, section), key))
        for section, key in (name.split(".") for name, field in config.fields() if config.is_secret(field))
    ]
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    # An address without user, password or query holds nothing secret.
    hidden = [one for one in secrets if one and ("://" not in one or without_secrets(one) != one) and not one.isdigit()]
    return file if any(secret in text for secret in hidden) else None


def _file(path: Path | None, forbidden: int, mode: str, *, grave: bool) -> Iterator[Exposed]:
    if path is None or not path.exists():
        return
    found = path.stat()
    quoted = shlex.quote(str(path))
    if found.st_uid not in (os.getuid(), 0):
        words = _("%(file)s belongs to %(user)s", file=path, user=_name(found.st_uid))
        yield Exposed(words, _("Run: chown %(user)s %(file)s", user=_name(os.getuid()), file=quoted), grave)
    if found.st_mode & forbidden:
        yield Exposed(
            _("others may read %(file)s", file=path), _("Run: chmod %(mode)s %(file)s", mode=mode, file=quoted), grave
        )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
