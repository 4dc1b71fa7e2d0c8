"""The house rules, run on the syntax trees: who may import whom, and how large things may get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "attendance"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)
EVERYWHERE = {"errors", "paths"}
# Which rooms each room may use.  Down only; rooms of one storey do not know each other, but that
# the networks share the geometry of `vision`, and that what is measured is what was not trained on.
MAY_USE = {
    "domain": set(),
    "errors": set(),
    "paths": set(),
    "config": {"config_words", *EVERYWHERE},
    "config_words": set(),
    "vision": {"domain", "config", *EVERYWHERE},
    "store": {"domain", "config", *EVERYWHERE},
    "models": {"domain", "vision", "config", *EVERYWHERE},
    "service": {"domain", "store", "config", *EVERYWHERE},
    "training": {"domain", "vision", "models", "config", *EVERYWHERE},
    "evaluation": {"domain", "vision", "models", "training", "config", *EVERYWHERE},
    "daemon": {"domain", "store", "service", "config", *EVERYWHERE},
    "web": {"domain", "store", "service", "config", *EVERYWHERE},
    "jobs": {"domain", "store", "service", "config", *EVERYWHERE},
    "processes": EVERYWHERE,
    "bootstrap": {"domain", "vision", "store", "service", "daemon", "web", "jobs", "config", *EVERYWHERE},
}
# The programs: on top of everything, used by nobody below.
PROGRAMS = {
    "cli",
    "cli_acceptance",
    "cli_attendance",
    "cli_calibration",
    "cli_models",
    "cli_people",
    "cli_weights",
    "command_line",
    "demo",
    "bench",
    "portraits",
    "clips",
    "bench_detectors",
    "__main__",
    "__init__",
}
# Beyond the table, inside a function only, where the price is paid by who asks for it.
LAZY = {("vision/runtime.py", "models")}
TORCH = {"torch", "torchvision"}
# Where PyTorch may be imported inside a function; at the top of a module only in the rooms below.
TORCH_LAZY = {"vision/runtime.py", "cli_models.py", "bench.py"}
TORCH_ROOMS = {"models", "training"}
MODULE_LINES = 400
FUNCTION_LINES = 60


@dataclass(frozen=True)
class Import:
    where: str  # path inside the package
    name: str  # "attendance.store.people.people", "numpy.typing"
    lazy: bool  # inside a function

    @property
    def room(self) -> str:
        """The first part below `attendance`, "" for everybody else's packages."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "attendance" and len(parts) > 1 else ""


def room_of(where: str) -> str:
    return where.split("/")[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[Import]:
    where = path.relative_to(PACKAGE).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {id(node) for block in ast.walk(tree) if _is_type_checking(block) for node in ast.walk(block)}
    lazy = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(where, alias.name, id(node) in lazy)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where}:{node.lineno}: a relative import; write attendance.…"
            for alias in node.names:
                yield Import(where, f"{node.module}.{alias.name}", id(node) in lazy)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


IMPORTS = [each for path in MODULES for each in imports_of(path)]


def test_every_module_has_a_room() -> None:
    rooms = {room_of(path.relative_to(PACKAGE).as_posix()) for path in MODULES}

    assert rooms <= set(MAY_USE) | PROGRAMS


def test_imports_point_down_only() -> None:
    wrong = [
        f"{each.where} imports {each.name}"
        for each in IMPORTS
        if each.room
        and room_of(each.where) not in PROGRAMS
        and each.room != room_of(each.where)
        and each.room not in MAY_USE[room_of(each.where)]
        and not (each.lazy and (each.where, each.room) in LAZY)
    ]

    assert wrong == []


def test_the_domain_knows_the_standard_library_and_numpy_only() -> None:
    allowed = set(sys.stdlib_module_names) | {"numpy", "attendance"}
    foreign = [
        f"{each.where} imports {each.name}"
        for each in IMPORTS
        if room_of(each.where) == "domain" and each.name.split(".")[0] not in allowed
    ]

    assert foreign == []


def test_the_domain_has_no_clock_no_chance_and_no_files() -> None:
    calls = {"now", "utcnow", "today", "open", "uuid4", "token_bytes", "default_rng", "perf_counter", "monotonic"}
    found = [
        f"{path.name}:{node.lineno} calls {ast.unparse(node.func)}"
        for path in MODULES
        if path.parent.name == "domain"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in calls
    ]

    assert found == []


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("flask", {"web", "bootstrap"}),
        ("sqlalchemy", {"store", "service", "bootstrap", "daemon", "web", "jobs", "cli_people"}),
        (
            "cv2",
            {
                "vision",
                "models",
                "training",
                "evaluation",
                "daemon",
                "portraits",
                "bench",
                "bench_detectors",
                "clips",
                "service",
            },
        ),
        ("onnxruntime", {"vision", "models", "training", "evaluation", "cli_weights", "bench", "bench_detectors"}),
        (
            "click",
            {
                "cli",
                "cli_acceptance",
                "cli_attendance",
                "cli_calibration",
                "cli_models",
                "cli_people",
                "cli_weights",
                "command_line",
            },
        ),
    ],
)
def test_each_library_stays_in_its_rooms(library: str, rooms: set[str]) -> None:
    users = {room_of(each.where) for each in IMPORTS if each.name.split(".")[0] == library}

    assert users <= rooms


def test_torch_is_imported_by_models_and_training_and_else_only_inside_functions() -> None:
    wrong = [
        f"{each.where} imports {each.name}"
        for each in IMPORTS
        if (each.name.split(".")[0] in TORCH or each.room in TORCH_ROOMS)
        and room_of(each.where) not in TORCH_ROOMS
        and not (each.lazy and (each.where in TORCH_LAZY or room_of(each.where) == "evaluation"))
        # What may be learned from, and the boxes that people drew, are lists; they need no network.
        and not each.name.startswith(("attendance.training.protocol", "attendance.training.labels"))
    ]

    assert wrong == []


def test_the_programs_of_a_site_start_without_torch() -> None:
    code = (
        "import sys\n"
        "import attendance.cli.main, attendance.bootstrap, attendance.jobs\n"
        "print([name for name in ('torch', 'torchvision', 'onnx', 'matplotlib', 'skimage') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_modules_and_functions_stay_small() -> None:
    too_long = []
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        where = path.relative_to(PACKAGE).as_posix()
        if (lines := len(text.splitlines())) > MODULE_LINES:
            too_long.append(f"{where}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    too_long.append(f"{where}: {node.name} has {lines} lines")

    assert too_long == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if (text := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(text))
    ]

    assert silent == []


def test_there_is_no_room_for_odds_and_ends() -> None:
    names = {"utils.py", "util.py", "helpers.py", "helper.py", "misc.py", "common.py", "tools.py"}

    assert [path for path in MODULES if path.name in names] == []
