"""Inside a write transaction nothing slow is done: whoever stands at a door waits for it.

Looked at: each `with ….begin()` of the package, and the functions that its body calls, in the same module or in
another one of the package, by whatever name that was imported.  What is handed over as a function is seen while the
tests run (tests/writing.py).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "attendance"
# Hashing, decoding, rendering, network and files, by the names of the calls that do them.
SLOW = frozenset(
    [
        "verify",  # argon2's, and whatever else is checked slowly
        "hashed",
        "hashed_pin",
        "hashed_password",
        "fits",
        "try_pin",
        "try_said",
        "authenticate",
        "exif_transpose",
        "analyse",
        "decode_image",
        "decode_picture",
        "imdecode",
        "imencode",
        "imread",
        "imwrite",
        "render_template",
        "sendmail",
        "send_message",
        "urlopen",
        "urlretrieve",
        "read_bytes",
        "read_text",
        "write_bytes",
        "write_text",
        "open",
        "fsync",
        "sleep",
        "compose",
        "sheet",
        "site_scores_of",
        "pairs_above",
        "calibrate_site",
        "enrolled_templates",
        "open_everybody",
        "load_gallery",
        "roll_up",
    ]
)
# Looked at and left, each with its reason.
_BEFORE = "the photo is judged before the first write"
_COMMAND = "a command, whose photos of a person are added whole or not at all"
_LOCKED = "under the lock of the gallery: of two enrolments at once the second must see the first"
ALLOWED = {
    "cli/enrolment.py: analyse": _COMMAND,
    "cli/enrolment.py: decode_picture": _COMMAND,
    "cli/enrolment.py: open_everybody": _LOCKED,
    "cli/enrolment.py: pairs_above": _LOCKED,
    "programs/clips.py: analyse": _COMMAND,
    "programs/clips.py: decode_picture": _COMMAND,
    "programs/clips.py: open_everybody": _LOCKED,
    "programs/clips.py: pairs_above": _LOCKED,
    "programs/demo.py: analyse": _COMMAND,
    "programs/demo.py: decode_picture": _COMMAND,
    "programs/demo.py: open_everybody": _LOCKED,
    "programs/demo.py: pairs_above": _LOCKED,
    "web/enrolment/at_camera.py: analyse": _BEFORE,
    "web/enrolment/at_camera.py: decode_picture": _BEFORE,
    "web/enrolment/at_camera.py: open_everybody": _LOCKED,
    "web/enrolment/at_camera.py: pairs_above": _LOCKED,
    "web/enrolment/enrol.py: analyse": _BEFORE,
    "web/enrolment/enrol.py: decode_picture": _BEFORE,
    "web/enrolment/enrol.py: open_everybody": _LOCKED,
    "web/enrolment/enrol.py: pairs_above": _LOCKED,
    "cli/hours.py: open_everybody": "the invented site, whose database nobody else uses",
    "web/people/people.py: open_everybody": _LOCKED,
    "cli/hours.py: pairs_above": "the invented site, whose database nobody else uses",
    "web/people/people.py: pairs_above": _LOCKED,
    "cli/hours.py: roll_up": "it computes before its first write",
    "programs/bench_doors.py: analyse": "a measurement with a database of its own",
    "programs/bench_doors.py: decode_picture": "a measurement with a database of its own",
    "programs/bench_doors.py: open_everybody": "a measurement with a database of its own",
    "programs/bench_doors.py: imencode": "a measurement with a database of its own",
    "programs/bench_doors.py: pairs_above": "a measurement with a database of its own",
    "programs/bench_hours.py: open_everybody": "a measurement with a database of its own",
    "programs/bench_hours.py: pairs_above": "a measurement with a database of its own",
}


@dataclass(frozen=True)
class Call:
    """A call: `name` as it ends, `of` what stands before the last dot."""

    name: str
    of: str
    line: int


@dataclass
class Module:
    """What a source defines, and under which names it uses others: name → (module, function or "")."""

    tree: ast.Module
    functions: Mapping[str, ast.FunctionDef] = field(init=False)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.functions = {one.name: one for one in ast.walk(self.tree) if isinstance(one, ast.FunctionDef)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attendance"):
                for alias in node.names:
                    self.imports[alias.asname or alias.name] = (str(node.module), alias.name)


def modules() -> dict[str, Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        found[name] = Module(ast.parse(path.read_text(encoding="utf-8")))
    return found


def called(node: ast.AST) -> list[Call]:
    return [
        Call(one.func.attr, ast.unparse(one.func.value), one.lineno)
        if isinstance(one.func, ast.Attribute)
        else Call(ast.unparse(one.func), "", one.lineno)
        for one in ast.walk(node)
        if isinstance(one, ast.Call)
    ]


def where(call: Call, module: str, known: Mapping[str, Module]) -> tuple[str, str] | None:
    """The (module, function) that a call runs, if it is one of the package's."""
    here = known[module]
    if call.of in ("", "self") and call.name in here.functions:
        return module, call.name
    target = here.imports.get(call.of or call.name)
    if target is None:
        return None
    target = (f"{target[0]}.{target[1]}", call.name) if call.of else target
    return target if target[0] in known and target[1] in known[target[0]].functions else None


def slow_calls(known: Mapping[str, Module], module: str) -> list[tuple[str, int]]:
    """The slow calls inside this module's write transactions: name, and line in the block of the transaction."""
    found = []
    for block in ast.walk(known[module].tree):
        if isinstance(block, ast.With) and any(
            isinstance(item.context_expr, ast.Call)
            and isinstance(item.context_expr.func, ast.Attribute)
            and item.context_expr.func.attr == "begin"
            for item in block.items
        ):
            todo = [(module, call, call.line) for part in block.body for call in called(part)]
            seen = set[tuple[str, str]]()
            while todo:
                at, call, line = todo.pop()
                if call.name in SLOW:
                    found.append((call.name, line))
                    continue
                target = where(call, at, known)
                if target is not None and target not in seen:
                    seen.add(target)
                    todo += [(target[0], inner, line) for inner in called(known[target[0]].functions[target[1]])]
    return found


def test_no_write_transaction_holds_slow_work() -> None:
    known = modules()
    found = {
        f"{module.removeprefix('attendance.').replace('.', '/')}.py: {name}"
        for module in known
        for name, _line in slow_calls(known, module)
    }

    assert sorted(found - ALLOWED.keys()) == []
    assert sorted(ALLOWED.keys() - found) == [], "an exception that is not needed any more"


def test_a_slow_call_is_found_directly_in_a_helper_and_in_another_module() -> None:
    source = (
        "from attendance import b\nfrom attendance.b import inner as other\n"
        "def helper(): sendmail()\n"
        "def direct(sessions):\n    with sessions.begin() as session:\n        sleep(1)\n"
        "def nested(sessions):\n    with sessions.begin() as session:\n        helper()\n"
        "def far(sessions):\n    with sessions.begin() as session:\n        b.outer()\n"
        "def renamed(sessions):\n    with sessions.begin() as session:\n        other()\n"
        "def fine(sessions):\n    sleep(1)\n    with sessions() as session:\n        helper()\n"
    )
    known = {
        "attendance.a": Module(ast.parse(source)),
        "attendance.b": Module(ast.parse("def outer(): inner()\ndef inner(): x.verify(1)\n")),
    }

    found = sorted(slow_calls(known, "attendance.a"))

    assert found == [("sendmail", 9), ("sleep", 6), ("verify", 12), ("verify", 15)]
