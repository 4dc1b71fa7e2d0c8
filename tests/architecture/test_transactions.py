"""Inside a write transaction nothing slow is done: whoever stands at a door waits for it.

Looked at: each `with ….begin()` of the package, and the functions of the same module that its body calls.
"""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "attendance"
# Hashing, decoding, rendering, network and files, by the names of the calls that do them.
SLOW = frozenset(
    [
        "analyse",
        "decode_image",
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
        "load_gallery",
        "roll_up",
    ]
)
# Looked at and left, each with its reason.
ALLOWED = {
    "cli/hours.py: roll_up": "it computes before its first write",
    "programs/clips.py: imencode": "a measurement with a database of its own",
}


def called(node: ast.AST) -> list[tuple[str, int, bool]]:
    """Name, line, and whether it is a function of the same module or class."""
    names = []
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            own = isinstance(one.func.value, ast.Name) and one.func.value.id == "self"
            names.append((one.func.attr, one.lineno, own))
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Name):
            names.append((one.func.id, one.lineno, True))
    return names


def slow_calls(tree: ast.Module) -> list[tuple[str, int]]:
    functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    found = []
    for block in ast.walk(tree):
        if isinstance(block, ast.With) and any(
            isinstance(item.context_expr, ast.Call)
            and isinstance(item.context_expr.func, ast.Attribute)
            and item.context_expr.func.attr == "begin"
            for item in block.items
        ):
            todo, seen = [call for part in block.body for call in called(part)], set[str]()
            while todo:
                name, line, own = todo.pop()
                if name in SLOW:
                    found.append((name, line))
                elif own and name in functions and name not in seen:
                    seen.add(name)
                    todo += called(functions[name])
    return found


def test_no_write_transaction_holds_slow_work() -> None:
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, _line in slow_calls(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert sorted(found - ALLOWED.keys()) == []
    assert sorted(ALLOWED.keys() - found) == [], "an exception that is not needed any more"


def test_a_slow_call_is_found_directly_and_in_a_helper() -> None:
    source = (
        "def helper(): sendmail()\n"
        "def direct(sessions):\n    with sessions.begin() as session:\n        sleep(1)\n"
        "def nested(sessions):\n    with sessions.begin() as session:\n        helper()\n"
        "def fine(sessions):\n    sleep(1)\n    with sessions() as session:\n        helper()\n"
    )

    assert sorted(slow_calls(ast.parse(source))) == [("sendmail", 1), ("sleep", 4)]
