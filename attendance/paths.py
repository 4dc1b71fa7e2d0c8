"""Where the files that are not Python live, in a checkout beside the package, in a wheel inside it; how to start it.

In: nothing; for settings a path and the folder at which it starts.  Out: existing folders and files.
Does not know: what is in them.
Main choice: the wheel carries copies in `attendance/_data`; a checkout has no such folder and uses
the repository's own files, so that an edited template counts at once there.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# Advice in errors names commands as the documentation does; `as_typed` makes them what runs here.
_WRITTEN = "python manage.py"


def program_version() -> str:
    """Return the version that is installed, "unknown" in a checkout that is not."""
    try:
        return version("attendance")
    except PackageNotFoundError:
        return "unknown"


def package_parent() -> Path:
    """Return the folder from which Python can import this package."""
    return _PACKAGE.parent


def data_root() -> Path:
    """Return the repository in a checkout, else the packaged `attendance/_data`."""
    packaged = _PACKAGE / "_data"
    return packaged if packaged.is_dir() else _PACKAGE.parent


def migrations_dir() -> Path:
    return data_root() / "migrations"


def templates_dir() -> Path:
    return data_root() / "templates"


def weights_dir() -> Path:
    return data_root() / "weights"


def default_config() -> Path:
    return data_root() / "config.toml"


def resolved_url(url: str, base: Path) -> str:
    match = re.match(r"^(sqlite(?:\+\w+)?:///)([^?]+)(.*)$", url)
    if match is None or match[2] == ":memory:" or match[2].startswith("file:"):
        return url
    return f"{match[1]}{base / match[2]}{match[3]}"


def resolved_folder(folder: str, base: Path) -> str:
    return str(base / folder) if folder else ""


def resolved_source(source: str, base: Path) -> str:
    """Return the source: a file or folder relative to the settings' file; numbers and addresses stay as they are."""
    if not source or source.isdigit() or "://" in source:
        return source
    return str(base / source)


def program() -> str:
    """Return what to type before a command's name: `attendance`, `python manage.py`, `.venv/bin/python manage.py`."""
    script = Path(sys.argv[0])
    if script.name != "manage.py":
        return "attendance"
    return f"{_shortest(_python(), Path(sys.executable))} {_shortest(None, script)}"


def as_typed(text: str) -> str:
    """Return the text with this program's name as the user types it."""
    return text.replace(_WRITTEN, program()) if _WRITTEN in text else text


def _python() -> str | None:
    """Return the short name that finds this process's Python on the path, if there is one."""
    own = Path(sys.executable)
    for name in ("python", "python3"):
        found = shutil.which(name)
        # Not resolved: a virtual environment's Python is a link to one that lacks its packages.
        if found is not None and Path(found).parent == own.parent:
            return name
    return None


def _shortest(short: str | None, path: Path) -> str:
    if short is not None:
        return short
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  # links are kept: the target lacks the packages
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
