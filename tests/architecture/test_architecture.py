"""The house rules, run on the syntax trees: who may import whom, and how large things may get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, PACKAGE, ROOT, every_import, tree_of

TEMPLATES, TESTS = ROOT / "templates", ROOT / "tests"

# The feature words, the same in every layer.  One more needs a page in docs/decisions/.
FEATURES = {
    "people",
    "enrolment",
    "access",
    "cameras",
    "kiosk",
    "hours",
    "calibration",
    "alarms",
    "privacy",
    "audit",
    "operators",
    "operations",
}
# Folders inside a layer that are no feature: what they are instead.
OTHER_FOLDERS = {
    "store": {"tables"},  # the schema, a module a feature
    "web": {"me", "static"},  # the employees' own pages
    "daemon": {"doors"},  # one driver a file
    "training": {"detector", "recogniser", "liveness", "calibration"},
    "evaluation": {"detector", "recogniser", "liveness", "calibration"},
}
LAYERS_WITH_FEATURES = ("domain", "store", "service", "web", "daemon")

EVERYWHERE = {"errors", "paths", "texts", "deprecation", "console", "files"}
# Which rooms each room may use: down only.  Sideways only `models` → `vision`, because the networks share its
# geometry, and `evaluation` → `training`, because what is measured is what was not trained on.
MAY_USE = {
    "errors": {"paths"},
    "paths": set(),
    "texts": {"errors"},
    "deprecation": set(),
    "console": {"errors"},
    "files": {"errors"},
    "config_sources": EVERYWHERE,
    "config_sections": EVERYWHERE,
    "config": {"config_sections", "config_sources", *EVERYWHERE},
    "processes": EVERYWHERE,
    "domain": {"errors"},  # its errors are shown on pages: docs/decisions/0008
    "vision": {"domain", "config", *EVERYWHERE},
    "store": {"domain", "config", *EVERYWHERE},
    "models": {"domain", "vision", "config", *EVERYWHERE},
    "service": {"domain", "store", "config", *EVERYWHERE},
    "training": {"domain", "vision", "models", "config", *EVERYWHERE},
    "evaluation": {"domain", "vision", "models", "training", "config", *EVERYWHERE},
    "daemon": {"domain", "store", "service", "config", *EVERYWHERE},
    "web": {"domain", "store", "service", "config", *EVERYWHERE},
    "jobs": {"domain", "store", "service", "config", *EVERYWHERE},
    "bootstrap": {"domain", "vision", "store", "service", "daemon", "web", "jobs", "config", *EVERYWHERE},
}
# On top of everything, used by nobody below.
PROGRAMS = {"cli", "programs", "__main__", "__init__"}
# Beyond the table, inside a function only, where the caller pays for it.
LAZY = {("vision/runtime.py", "models")}
TORCH = {"torch", "torchvision"}
# Where PyTorch may be imported inside a function; at the top of a module only in the rooms below.
TORCH_LAZY = {"vision/runtime.py", "cli/networks.py", "programs/bench.py"}
TORCH_ROOMS = {"models", "training"}
WITHOUT_NETWORKS = ("protocol", "labels", "liveness.simulate")
MODULE_LINES = 400
FUNCTION_LINES = 60
FOLDER_MODULES = 12


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
    tree = tree_of(path)
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


def test_programs_do_not_know_the_commands_that_start_them() -> None:
    wrong = [each.where for each in IMPORTS if room_of(each.where) == "programs" and each.room == "cli"]

    assert wrong == []


def test_the_domain_knows_the_standard_library_and_numpy_only() -> None:
    allowed = set(sys.stdlib_module_names) | {"numpy", "attendance"}
    foreign = [
        f"{each.where} imports {each.name}"
        for each in IMPORTS
        if room_of(each.where) == "domain" and each.name.split(".")[0] not in allowed
    ]

    assert foreign == []


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("flask", {"web", "bootstrap"}),
        ("flask_babel", {"web"}),
        ("sqlalchemy", {"store", "service", "bootstrap", "daemon", "web", "jobs", "cli", "programs"}),
        ("cv2", {"vision", "models", "training", "evaluation", "daemon", "programs", "service"}),
        ("onnxruntime", {"vision", "models", "training", "evaluation", "programs", "cli"}),
        ("click", {"cli", "programs"}),
    ],
)
def test_each_library_stays_in_its_rooms(library: str, rooms: set[str]) -> None:
    users = {room_of(each.where) for each in IMPORTS if each.name.split(".")[0] == library}

    assert users <= rooms


def test_web_imports_no_table() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] == "web"
        for name in every_import(path)
        if name.startswith("attendance.store.tables")
    ]

    assert wrong == []


def test_rooms_inside_a_layer_are_named_by_the_feature_words() -> None:
    wrong = [
        folder.relative_to(ROOT).as_posix()
        for layer in LAYERS_WITH_FEATURES
        for parent in (PACKAGE / layer, TESTS / layer)
        if parent.is_dir()
        for folder in folders_in(parent)
        if folder.name not in FEATURES | OTHER_FOLDERS.get(layer, set())
    ]
    wrong += [
        folder.relative_to(ROOT).as_posix()
        for layer in ("training", "evaluation")
        for parent in (PACKAGE / layer, TESTS / layer)
        for folder in folders_in(parent)
        if folder.name not in OTHER_FOLDERS[layer]
    ]
    wrong += [
        folder.relative_to(ROOT).as_posix()
        for folder in folders_in(TEMPLATES)
        if folder.name not in FEATURES | {"me", "errors"}
    ]

    assert wrong == []


def test_tables_are_cut_by_the_feature_words() -> None:
    names = {path.stem for path in (PACKAGE / "store" / "tables").glob("*.py")} - {"__init__", "base"}

    assert names <= FEATURES


def test_a_folder_has_at_most_so_many_modules() -> None:
    count = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    crowded = [
        f"{folder.relative_to(ROOT)}: {number} modules" for folder, number in count.items() if number > FOLDER_MODULES
    ]

    assert crowded == []


def test_no_circle_of_files() -> None:
    """Imports inside functions and for types count too: whoever reads one file must not need the other to read it."""
    modules = {module_name(path): path for path in MODULES}
    uses = {
        name: {known for found in every_import(path) if (known := nearest_module(found, modules)) and known != name}
        for name, path in modules.items()
    }
    # Where a runtime loads the networks on request; LAZY above says the same for the layers.
    uses["attendance.vision.runtime"] -= {name for name in modules if name.startswith("attendance.models")}

    assert [sorted(circle) for circle in circles(uses)] == []


def folders_in(parent: Path) -> list[Path]:
    return [
        path
        for path in parent.iterdir()
        if path.is_dir() and not path.name.startswith(("__", ".")) and any(path.iterdir())
    ]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def nearest_module(name: str, modules: Mapping[str, Path]) -> str | None:
    """The module that the import reads: "attendance.a.b.function" → "attendance.a.b"."""
    while name not in modules and "." in name:
        name = name.rpartition(".")[0]
    return name if name in modules and name != "attendance" else None


def circles(uses: Mapping[str, set[str]]) -> list[set[str]]:
    """Groups of modules that reach each other (Kosaraju's strongly connected components of two or more)."""

    def reach(start: str, edges: Mapping[str, set[str]]) -> list[str]:
        order, stack, seen = [], [(start, iter(sorted(edges[start])))], {start}
        while stack:
            name, rest = stack[-1]
            following = next((each for each in rest if each not in seen), None)
            if following is None:
                order.append(name)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(sorted(edges[following]))))
        return order

    backwards: dict[str, set[str]] = {name: set() for name in uses}
    for name, used in uses.items():
        for each in used:
            backwards[each].add(name)
    found = []
    for name in uses:
        group = set(reach(name, uses)) & set(reach(name, backwards))
        if len(group) > 1 and group not in found:
            found.append(group)
    return found


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [{"b", "c"}]


def test_torch_is_imported_by_models_and_training_and_else_only_inside_functions() -> None:
    wrong = [
        f"{each.where} imports {each.name}"
        for each in IMPORTS
        if (each.name.split(".")[0] in TORCH or each.room in TORCH_ROOMS)
        and room_of(each.where) not in TORCH_ROOMS
        and not (each.lazy and (each.where in TORCH_LAZY or room_of(each.where) == "evaluation"))
        # Lists of what may be learned from, boxes that people drew, drawn attacks: no network is needed.
        and not each.name.startswith(tuple(f"attendance.training.{room}" for room in WITHOUT_NETWORKS))
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
        for node in ast.walk(tree_of(path)):
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
