"""The result of a bulk enrolment in rows and sentences: how well each person is covered, and what is left to do.

In: `Result`s.  Out: rows of a table, a summary, lines of CSV.
Does not know: how anybody was judged.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import reason_words
from attendance.service.enrolment.bulk_enrol import Judged, Result
from attendance.service.enrolment.photo_count import RECOMMENDED, SUFFICIENT, has_too_few
from attendance.texts import gettext as _
from attendance.texts import translated


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the report.  `outcome`: why the person was left out, or what is new."""

    person: str
    photos: int
    usable: int
    templates: int
    left_out: bool
    outcome: str

    def columns(self) -> tuple[str, str, str, str, str]:
        """Return the row as the command line prints it."""
        outcome = f"left out: {self.outcome}" if self.left_out else self.outcome
        return self.person, str(self.photos), str(self.usable), str(self.templates), outcome


def result_rows(results: Sequence[Result]) -> list[Row]:
    """Return a row for each person: first those who were left out."""
    return [
        Row(
            result.entry.name,
            len(result.photos),
            sum(photo.report.ok for photo in result.photos),
            result.total,
            bool(result.problem),
            _left_out(result) if result.problem else _enrolled(result),
        )
        for result in sorted(results, key=lambda result: not result.problem)
    ]


def coverage(results: Sequence[Result], dry_run: bool) -> str:
    """Return the sums and what to do next, as the command line prints them."""
    enrolled = [result for result in results if not result.problem]
    photos = [photo for result in results for photo in result.photos]
    usable = sum(photo.report.ok for photo in photos)
    would = "would be " if dry_run else ""
    lines = [
        f"{len(enrolled)} of {len(results)} people {would}enrolled",
        f"{usable} of {len(photos)} photos usable, {sum(result.added for result in results)} templates {would}new",
    ]
    few = [result.entry.name for result in enrolled if has_too_few(result.total)]
    if few:
        lines.append(f"fewer than {SUFFICIENT} templates, of {RECOMMENDED} recommended ({len(few)}): {_some(few)}")
    for words, count in Counter(_verdict(photo) for photo in photos if not photo.report.ok).most_common():
        lines.append(f"refused photos, {words}: {count}")
    if dry_run:
        lines.append("nothing was written (--dry-run)")
    return "\n".join(lines)


def photo_lines(results: Sequence[Result]) -> Iterator[str]:
    """Yield CSV: one line a photo and one for a person without photos; the first line names the columns."""
    yield _line(("person", "external_id", "photo", "usable", "verdict", "advice", "person_outcome"))
    for result in results:
        outcome = f"left out: {result.problem}" if result.problem else "enrolled"
        who = result.entry.name, result.entry.staff_number or ""
        for photo in result.photos:
            advice = "" if photo.report.ok else photo.report.advice
            verdict = "good" if photo.report.ok else _verdict(photo)
            yield _line((*who, str(photo.path), "yes" if photo.report.ok else "no", verdict, advice, outcome))
        if not result.photos:
            yield _line((*who, "", "no", "no photo", "", outcome))


def _left_out(result: Result) -> str:
    # The results come from a thread, which has no language; this is called for a page.
    return reason_words(Reason.NO_CONSENT) if result.reason is Reason.NO_CONSENT else translated(result.problem)


def _enrolled(result: Result) -> str:
    parts = [_("%(number)s new", number=result.added)]
    if result.known:
        parts.append(_("%(number)s enrolled before", number=result.known))
    if result.unlike:
        parts.append(_("%(number)s unlike the others", number=result.unlike))
    return ", ".join(parts)


def _verdict(photo: Judged) -> str:
    return photo.report.words


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _line(fields: Sequence[str]) -> str:
    buffer = io.StringIO()
    # A leading =, + or @ would be a formula in a spreadsheet; names and paths come from files of others.
    csv.writer(buffer).writerow(["'" + text if text[:1] in ("=", "+", "-", "@") else text for text in fields])
    return buffer.getvalue()
