"""The house rules inside a layer: a pure domain, pages without queries, features in folders, names that say it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, PACKAGE, every_import, tree_of

# Modules beside the feature folders: what several features of the layer share.  A feature's own go into its folder.
SHARED_MODULES = {
    "domain": {"faces", "passage", "reason"},
    "store": {"crypto", "faults", "migrate", "session", "settings", "slow_hash"},
    "service": {"ids", "mail", "ports"},
    "web": {
        "acts",
        "app",
        "auth",
        "errors",
        "formats",
        "forms",
        "listing",
        "permissions",
        "roles",
        "security",
        "site",
        "sudo",
    },
}


def impure(tree: ast.Module) -> list[str]:
    """Return what the source takes from clocks, chance, files and networks, with its line."""
    modules = {"glob", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess"}
    modules |= {"sys", "tempfile", "threading", "time", "urllib", "uuid"}
    calls = {"now", "utcnow", "today", "open", "uuid4", "token_bytes", "default_rng", "perf_counter", "monotonic"}
    numpy = re.compile(r"(np|numpy)\.(random\b|load|save|fromfile|tofile|memmap|genfromtxt)")
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"{node.lineno} imports {name}" for name in names if name.split(".")[0] in modules]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.split(".")[-1] in calls or numpy.match(name):
                found.append(f"{node.lineno} calls {name}")
    return found


def test_the_domain_has_no_clock_no_chance_and_no_files() -> None:
    found = [
        f"{path.name}:{what}"
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] == "domain"
        for what in impure(tree_of(path))
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from time import time",
        "from pathlib import Path",
        "import os.path",
        "x = datetime.now(UTC)",
        "x = np.random.rand(3)",
        "x = np.load('x')",
    ],
)
def test_what_is_not_pure_is_found(source: str) -> None:
    assert len(impure(ast.parse(source))) == 1


def test_web_asks_the_store_and_writes_no_query() -> None:
    """Rows come with the store's functions; pages name their classes in annotations only."""
    tables = {
        node.name
        for path in (PACKAGE / "store" / "tables").glob("*.py")
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef)
    }
    of_web = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] == "web"]
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in of_web
        for name in every_import(path)
        if name.startswith("sqlalchemy.") and name not in ("sqlalchemy.Engine", "sqlalchemy.orm.Session")
    ]
    wrong += [
        f"{path.relative_to(PACKAGE)}:{node.lineno} uses the table {used}"
        for path in of_web
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        for used in map(ast.unparse, (node.func, *node.args))
        if used.split(".")[-1] in tables and used not in imported_from_elsewhere(path, "attendance.store")
    ]

    assert wrong == []


def imported_from_elsewhere(path: Path, room: str) -> set[str]:
    return {name.split(".")[-1] for name in every_import(path) if not name.startswith(room)}


def test_a_feature_has_its_modules_in_its_folder() -> None:
    loose = [
        f"{layer}/{path.name}"
        for layer, shared in SHARED_MODULES.items()
        for path in (PACKAGE / layer).glob("*.py")
        if path.stem not in shared | {"__init__"}
    ]

    assert loose == []


def test_names_say_what_they_are() -> None:
    """Words that other words replaced (CONTRIBUTING.md, the glossary) are not used again as names."""
    gone = re.compile(r"(^|_)(tell|told|leads|somebody|looking|the_site|still_face|external_id)(_|$)", re.IGNORECASE)
    stored = {"told_by"}  # in the reports of acceptance tests
    found = [
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path in MODULES
        for name, line in defined_in(tree_of(path))
        if gone.search(name) and name not in stored and not name.startswith("LOOKING_")
    ]

    assert found == []


def defined_in(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each name that a module, class or function gives to something of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def test_imports_are_written_as_imports() -> None:
    """A module that is imported by its name as a text would pass every rule about imports."""
    hidden = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")
    ]

    assert hidden == []
