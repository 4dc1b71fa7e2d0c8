"""The decision table: a file of situations with the verdict that is expected, judged by `decide`.

In: `decision_table.csv` beside the rules.  Out: rows with the verdict that the program gives; the table as Markdown.
Does not know: the real site.
Main choice: the file holds what people expect, and the program judges anew each time, so that a row can be wrong.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from attendance.domain.access.rules import example_site
from attendance.domain.access.rules.decide import Verdict, decide

FILE = Path(example_site.__file__).with_name("decision_table.csv")


@dataclass(frozen=True, slots=True)
class Row:
    """One situation.  `expected` and `given`: outcome, reason, seconds and marks as the table writes them."""

    number: int
    question: str
    who: str
    point: str
    proven: str
    when: str
    situation: str
    expected: tuple[str, str, str, str]
    given: tuple[str, str, str, str]
    rule: str

    @property
    def right(self) -> bool:
        return self.expected == self.given


def rows(file: Path = FILE) -> Iterator[Row]:
    """Judge every row.  Raises ValueError for a row that describes nothing known."""
    with file.open(encoding="utf-8", newline="") as lines:
        for number, line in enumerate(csv.DictReader(lines), start=1):
            described = [line[name] for name in ("who", "point", "proven", "when", "situation")]
            made = example_site.scene(*described)
            verdict = decide(made.policy, made.state, made.request, made.now)
            expected = (line["outcome"], line["reason"], line["seconds"], line["marks"])
            who, point, proven, when, situation = described
            yield Row(
                number, line["question"], who, point, proven, when, situation, expected, written(verdict), verdict.rule
            )


def written(verdict: Verdict) -> tuple[str, str, str, str]:
    """Return a verdict as the table writes it."""
    seconds = f"{verdict.seconds:g}" if verdict.seconds else ""
    return verdict.outcome.value, verdict.reason.value, seconds, "+".join(sorted(verdict.marks))


def as_markdown(found: Iterable[Row]) -> str:
    """Return the table for the page of the rules, a section a question."""
    lines: list[str] = []
    question = ""
    for row in found:
        if row.question != question:
            question = row.question
            lines += ["", f"### {question}", "", "| | Who | Where | Proven | When | Situation | Verdict | s | Marks |"]
            lines.append("|---:|---|---|---|---|---|---|---:|---|")
        outcome, reason, seconds, marks = row.given
        verdict = outcome if outcome == "grant" else f"{outcome.replace('_', ' ')}: {reason.replace('_', ' ')}"
        cells = (row.who, row.point, row.proven.replace("+", " + "), row.when, row.situation, f"**{verdict}**", seconds)
        lines.append(f"| {row.number} | {' | '.join(cells)} | {marks.replace('_', ' ').replace('+', ', ')} |")
    return "\n".join(lines[1:]) + "\n"
