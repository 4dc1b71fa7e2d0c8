"""Every row of the decision table is what the program decides, and what the page of the rules shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from attendance.domain.access.rules.decide import Outcome, Rule
from attendance.domain.access.rules.example_site import SITUATIONS
from attendance.service.access import decision_table
from attendance.service.access.decision_table import as_markdown
from attendance.service.access.rule_reasons import RULE_REASONS

ROWS = list(decision_table.rows())
PAGE = Path(__file__).resolve().parents[3] / "docs" / "access-rules.md"


def test_every_row_is_decided_as_expected() -> None:
    wrong = [f"{row.number}: {row.expected} and not {row.given}" for row in ROWS if not row.right]

    assert wrong == []
    assert len(ROWS) >= 120


def test_every_question_has_rows_and_a_refusal_is_filed_under_its_question() -> None:
    assert {row.question for row in ROWS} == {rule.value for rule in Rule}
    for question in Rule:
        assert any(row.rule == question.value for row in ROWS), question


def test_every_refusal_of_the_rules_and_every_situation_occurs() -> None:
    used = {word.strip() for row in ROWS for word in row.situation.split(",")}

    assert {reason.value for reason in RULE_REASONS} <= {row.given[1] for row in ROWS}
    assert {outcome.value for outcome in Outcome} == {row.given[0] for row in ROWS}
    assert set(SITUATIONS) <= used


def test_no_row_is_there_twice() -> None:
    described = [(row.who, row.point, row.proven, row.when, row.situation) for row in ROWS]

    assert len(set(described)) == len(described)


def test_the_page_shows_the_table() -> None:
    assert as_markdown(ROWS) in PAGE.read_text(encoding="utf-8")


def test_a_row_that_the_program_decides_otherwise_is_found(tmp_path: Path) -> None:
    lines = decision_table.FILE.read_text(encoding="utf-8").splitlines()[:2]
    (tmp_path / "table.csv").write_text("\n".join([lines[0], lines[1].replace("grant,matched,3", "deny,no_right,")]))

    [row] = decision_table.rows(tmp_path / "table.csv")
    assert not row.right


def test_a_row_about_nobody_known_is_refused(tmp_path: Path) -> None:
    header = decision_table.FILE.read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / "table.csv").write_text(f"{header}\n1 point,zoe,front,face,Mon 10:00,,deny,unknown,,\n")

    with pytest.raises(ValueError, match="zoe"):
        list(decision_table.rows(tmp_path / "table.csv"))
