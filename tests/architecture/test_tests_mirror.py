"""The tests' own house rules: where a test lies, what it may lean on, and how it waits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ON_POSTGRESQL_TOO

ROOT = Path(__file__).resolve().parents[2]
TESTS, PACKAGE = ROOT / "tests", ROOT / "attendance"
FILES = sorted(TESTS.rglob("*.py"))
TEST_FILES = [path for path in FILES if path.name.startswith("test_")]
# Of more than one module: stories and browsers; routes by roles and hostile input; the house rules.
FREE = {"journeys", "security", "architecture"}
# One table of cases for all modules of working time.
TABLES = {"domain/hours/test_worked_cases.py"}
LONGEST = 450  # lines


def place(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def modules_of(path: Path) -> list[str]:
    """Of tests/a/test_b_more.py: a/b.py or a/b_more.py, whichever there is."""
    name = path.stem.removeprefix("test_")
    folder = PACKAGE / path.parent.relative_to(TESTS)
    return [each.stem for each in folder.glob("*.py") if name == each.stem or name.startswith(f"{each.stem}_")]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def calls_of(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def test_a_test_lies_where_its_module_does() -> None:
    lost = [
        f"{place(path)}: there is no attendance/{path.parent.relative_to(TESTS)}/{path.stem.removeprefix('test_')}.py"
        for path in TEST_FILES
        if path.relative_to(TESTS).parts[0] not in FREE and place(path) not in TABLES and not modules_of(path)
    ]

    assert lost == []


def test_folders_of_tests_are_those_of_the_package() -> None:
    """A folder that mirrors nothing would hide from the rule above what it holds."""
    strange = {path.parent.relative_to(TESTS).as_posix() for path in FILES} - {"."}
    strange = {folder for folder in strange if folder.split("/")[0] not in FREE and not (PACKAGE / folder).is_dir()}

    assert strange == set()


def test_nothing_leans_on_a_test() -> None:
    """What several tests share lies in a conftest.py, or in a module that is none of tests."""
    leaning = [
        f"{place(path)} imports {name}"
        for path in FILES
        for name in imports_of(path)
        if re.match(r"tests\.(\w+\.)*test_", name)
    ]

    assert leaning == []


def test_tests_stay_readable() -> None:
    long = {place(path): lines for path in FILES if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST}

    assert long == {}


def test_what_is_asked_of_both_databases_is_still_there() -> None:
    """These are named by module: one that moved would be asked of SQLite alone, and nobody would notice."""
    gone = [name for name in ON_POSTGRESQL_TOO if not (ROOT / f"{name.replace('.', '/')}.py").is_file()]

    assert gone == []


def test_there_is_one_way_to_ask_for_a_tool() -> None:
    """tests/needs.py: it skips and says so, and fails in the continuous integration."""
    own = [
        f"{place(path)}:{line} calls {name}"
        for path in FILES
        if place(path) not in ("needs.py", "architecture/test_tests_mirror.py")
        for line, name in calls_of(path)
        if name in ("pytest.importorskip", "pytest.mark.skipif", "shutil.which")
    ]

    assert own == []


@pytest.mark.parametrize("folder", ["journeys", "web", "security"])
def test_pages_are_waited_for_by_conditions_and_not_by_seconds(folder: str) -> None:
    """But for the pause between two looks at a condition, in a function that is called `until`."""
    pauses = [
        f"{place(path)}:{line} calls {name}"
        for path in (TESTS / folder).rglob("*.py")
        for line, name in calls_of(path)
        if name.endswith(".wait_for_timeout") or (name == "time.sleep" and not _inside_until(path, line))
    ]

    assert pauses == []


def _inside_until(path: Path, line: int) -> bool:
    return any(
        isinstance(node, ast.FunctionDef) and node.name == "until" and node.lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
