"""Where the files that are not Python live: in a checkout beside the package, in a wheel inside it.

In: nothing.  Out: existing folders and files.
Does not know: what is in them.
Main choice: the wheel carries copies in `attendance/_data`; a checkout has no such folder and uses
the repository's own files, so that an edited template counts at once there.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def package_parent() -> Path:
    """The folder from which Python can import this package."""
    return _PACKAGE.parent


def data_root() -> Path:
    """The repository in a checkout, else the packaged `attendance/_data`."""
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
