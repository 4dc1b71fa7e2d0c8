"""House rule: whatever an act records has words on the page Audit (`attendance/web/audit/audit_words.py`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard, get_args

from attendance.service.audit.audit import Action, SubjectKind
from attendance.web.audit.audit_words import ACTS, CHANGES, DETAILS, SUBJECTS
from tests.architecture.sources import MODULES, tree_of

NOT_A_DETAIL = {"actor", "action", "at", "subject", "detail"}


def details() -> Iterator[tuple[str, object]]:
    """The name and, if it is a constant, the value of each detail that any act records."""
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and recording(node):
                yield from ((word.arg, constant(word.value)) for word in node.keywords if word.arg)
            if detail_of(node) and isinstance(node.value, ast.Dict):
                yield from ((str(name.value), None) for name in node.value.keys if isinstance(name, ast.Constant))


def detail_of(node: ast.AST) -> TypeGuard[ast.keyword | ast.AnnAssign]:
    """Whether the node gives an entry its details: `detail={…}`, or a mapping that is made for it before."""
    if isinstance(node, ast.keyword):
        return node.arg == "detail"
    return isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "detail"


def recording(call: ast.Call) -> bool:
    return any(isinstance(part, ast.Attribute) and ast.unparse(part.value) == "Action" for part in call.args) or any(
        ast.unparse(word.value).startswith("Action.") for word in call.keywords
    )


def constant(value: ast.expr) -> object:
    return value.value if isinstance(value, ast.Constant) else None


def test_every_act_and_every_kind_of_subject_has_words() -> None:
    assert set(ACTS) == set(Action)
    assert set(SUBJECTS) == set(get_args(SubjectKind))
    assert len(set(ACTS.values())) == len(Action)


def test_every_detail_that_an_act_records_has_a_label() -> None:
    found = set(details())

    assert {"reason", "purposes", "threshold", "what"} <= {name for name, _ in found}
    assert {name for name, _ in found} - NOT_A_DETAIL <= set(DETAILS)
    assert {value for name, value in found if name == "what" and value} <= set(CHANGES)
