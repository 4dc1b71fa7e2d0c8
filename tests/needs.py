"""Programs and packages outside this package that some tests need: one way to ask for each.

In: a name.  Out: where it is.  Where it is missing, the test skips and says what to install; in the continuous
integration (CI=true), which installs everything, it fails instead, so that a test that never runs is noticed.
"""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def missing(what: str) -> NoReturn:
    """Skip, or fail in the continuous integration; also while a module is collected."""
    if in_ci():
        pytest.fail(f"{what}; the continuous integration installs it (.ci/run)", pytrace=False)
    pytest.skip(what, allow_module_level=True)


def program(name: str, *others: str, install: str) -> Path:
    """The path of the first of these programs that is here.  A pattern with / is looked for as files, newest last."""
    for one in (name, *others):
        if "/" in one:
            found = sorted(Path("/").glob(one.removeprefix("/")), key=_version)
            if found:
                return found[-1]
        elif path := shutil.which(one):
            return Path(path).resolve()
    missing(f"the program {name} is not here: {install}")


def package(name: str, extra: str) -> Any:
    """The module; in a test, or at the top of a module all of whose tests need it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != name.split(".")[0]:
            raise
    missing(f"the package {name.split('.')[0]} is not installed: pip install '.[{extra}]'")


def root() -> None:
    """For tests that bear the marker `root`: they need root, or the right to make a network namespace."""
    if os.geteuid() != 0:
        missing("this test needs root or a network namespace: sudo make test-root")


def _version(path: Path) -> tuple[tuple[int, ...], str]:
    """16 after 9: by the numbers in the path."""
    return tuple(int(part) for part in path.parts if part.isdigit()), str(path)
