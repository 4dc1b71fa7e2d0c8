"""What came of a bulk enrolment, in rows and sentences: who is covered how well, and what is left to do.

In: `Result`s.  Out: rows of a table, a summary, lines of CSV.
Does not know: how anybody was judged.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence

from attendance.service.enrolment.bulk_enrol import Judged, Result

# Fewer different photos than this, and light or glasses alone make a person unknown.
GOOD_NUMBER = 3


def result_rows(results: Sequence[Result]) -> list[tuple[str, str, str, str, str]]:
    """Person, photos, usable, templates, outcome: those first who were left out."""
    rows = []
    for result in sorted(results, key=lambda one: not one.problem):
        outcome = f"left out: {result.problem}" if result.problem else _enrolled(result)
        usable = sum(photo.report.ok for photo in result.photos)
        rows.append((result.entry.name, str(len(result.photos)), str(usable), str(result.total), outcome))
    return rows


def coverage(results: Sequence[Result], dry_run: bool) -> str:
    """The sums, and what to do next."""
    enrolled = [result for result in results if not result.problem]
    photos = [photo for result in results for photo in result.photos]
    usable = sum(photo.report.ok for photo in photos)
    would = "would be " if dry_run else ""
    lines = [
        f"{len(enrolled)} of {len(results)} people {would}enrolled",
        f"{usable} of {len(photos)} photos usable, {sum(result.added for result in results)} templates {would}new",
    ]
    few = [result.entry.name for result in enrolled if result.total < GOOD_NUMBER]
    if few:
        lines.append(f"fewer than {GOOD_NUMBER} templates ({len(few)}): {_some(few)}")
    for words, count in Counter(_verdict(photo) for photo in photos if not photo.report.ok).most_common():
        lines.append(f"refused photos, {words}: {count}")
    if dry_run:
        lines.append("nothing was written (--dry-run)")
    return "\n".join(lines)


def photo_lines(results: Sequence[Result]) -> Iterator[str]:
    """CSV, one line a photo, and one for a person without any; the first line names the columns."""
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


def _enrolled(result: Result) -> str:
    parts = [f"{result.added} new"]
    if result.known:
        parts.append(f"{result.known} enrolled before")
    if result.unlike:
        parts.append(f"{result.unlike} unlike the others")
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
