"""Commands that enrol people: one person from photos, many from a folder or a CSV file.

In: names, photos, the consent's words.  Out: rows; a verdict on each photo.
Does not know: how a face is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.cli.access import _write
from attendance.cli.command_line import read_photo, settings_of
from attendance.console import table
from attendance.deprecation import warn_renamed
from attendance.errors import UserError


@click.command()
@click.argument("name")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--staff-number", help="The staff number; it distinguishes people of one name.")
@click.option("--id", "old_id", hidden=True, help="The old name of --staff-number.")
@click.option("--department", default="", help="Department.")
@click.option("--consent", metavar="TEXT", help="What the person agreed to; needed while none is recorded.")
@click.option("--two-people", is_flag=True, help="Confirm: everybody a photo resembles is somebody else.")
@click.pass_context
def enrol(
    context: click.Context,
    name: str,
    photos: Sequence[Path],
    staff_number: str | None,
    old_id: str | None,
    department: str,
    consent: str | None,
    two_people: bool,
) -> None:
    """Enrol NAME from one or more PHOTOS; a person of that name or staff number gets further photos.

    Exit code 2, and nothing changed, when no photo can be used.
    """
    settings = settings_of(context)
    if old_id is not None:
        warn_renamed("enrol", "--id", "--staff-number")
        staff_number = staff_number or old_id
    contents = [(path, read_photo(path)) for path in photos]
    from attendance import bootstrap
    from attendance.domain.reason import Reason
    from attendance.service.calibration.auto_tighten import after_enrolment
    from attendance.service.enrolment.enrol import enrol_photo
    from attendance.store.people.people import get_person

    site = bootstrap.installation_for(settings)
    analyser = bootstrap.analyser_for(settings)
    good = 0
    with site.sessions.begin() as session:
        now = site.clock.now()
        person_id = _find_or_create(session, name, staff_number, department, consent, now)
        for path, data in contents:
            others = None if two_people else ()
            report = enrol_photo(session, site.keys, analyser, person_id, data, "import", site.clock, two_people=others)
            good += report.ok
            if report.already_enrolled:
                click.echo(f"{path}: enrolled before")
            elif report.ok:
                click.echo(f"{path}: enrolled")
            else:
                click.echo(f"{path}: refused, {report.words}. {report.advice}")
                if report.reason is Reason.MAY_BE_ANOTHER:
                    click.echo("  two people after all: say so with --two-people")
            if report.ok and report.looks_like is not None:
                other, score = report.looks_like
                click.echo(f"  looks like {get_person(session, other).name} (cosine {score:.2f})")
            if report.unlike_own:
                click.echo(f"  unlike the other photos of {name} (cosine {report.own_score:.2f}): the right person?")
        if not good:
            raise UserError("no photo could be used, so nobody was enrolled")
    after_enrolment(site.sessions, site.keys, settings, analyser.model_id, site.clock)
    click.echo(f"{name}: person {person_id}, {good} of {len(contents)} photos")


@click.command("enrol-bulk")
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--consent", metavar="TEXT", help="What people agreed to whose consent is neither recorded nor listed.")
@click.option("--two-people", is_flag=True, help="Confirm: people who look alike are different people.")
@click.option("--dry-run", is_flag=True, help="Judge and report only.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write every photo's verdict as CSV.")
@click.pass_context
def enrol_bulk(
    context: click.Context, source: Path, consent: str | None, two_people: bool, dry_run: bool, report: Path | None
) -> None:
    """Enrol many people from SOURCE: a folder with a folder of photos for each person, or a CSV file.

    A folder's name is the person's (_ for a space).  CSV columns: name, photos (separated by |, relative to
    the file); if wanted staff_number, department, consent.  Every photo is judged before anything is written; a
    person is enrolled with all usable photos or not at all.  Exit code 1 when somebody was left out.
    """
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.calibration.auto_tighten import after_enrolment
    from attendance.service.enrolment.bulk_enrol import Judged, enrol_all, judge_photos
    from attendance.service.enrolment.bulk_report import coverage, photo_lines, result_rows
    from attendance.service.enrolment.bulk_sources import Entry, read_entries

    entries = read_entries(source)
    site = bootstrap.installation_for(settings)
    analyser = bootstrap.analyser_for(settings)
    judged: list[tuple[Entry, list[Judged]]] = []
    with click.progressbar(length=sum(len(entry.photos) for entry in entries), label="photos") as bar:
        for entry in entries:
            photos = []
            for photo in judge_photos(analyser, entry, site.clock):
                photos.append(photo)
                bar.update(1)
            judged.append((entry, photos))
    results = enrol_all(
        site.sessions,
        site.keys,
        analyser.model_id,
        judged,
        site.clock,
        consent=consent,
        two_people=two_people,
        dry_run=dry_run,
    )
    after_enrolment(site.sessions, site.keys, settings, analyser.model_id, site.clock)
    click.echo(
        table([row.columns() for row in result_rows(results)], ("person", "photos", "usable", "templates", "outcome"))
    )
    click.echo("\n" + coverage(results, dry_run))
    if report is not None:
        _write(report, photo_lines(results))
    if any(result.problem for result in results):
        context.exit(1)


def _find_or_create(
    session: Session, name: str, staff_number: str | None, department: str, consent: str | None, now: datetime
) -> int:
    """Return the id of the person who is meant; UserError if that is not clear."""
    from attendance.domain.people.names import composed
    from attendance.store.people.people import create_person
    from attendance.store.privacy.consent import give_consent
    from attendance.store.tables.people import Person

    wanted, staff_number = " ".join(composed(name).split()), None if staff_number is None else composed(staff_number)
    query = select(Person).where(func.lower(Person.name) == wanted.lower())
    if staff_number is not None:
        query = select(Person).where(Person.staff_number == staff_number)
    found = session.scalars(query).all()
    if len(found) > 1:
        raise UserError(f"there are {len(found)} people named {wanted}: say which with --staff-number")
    person = (
        found[0]
        if found
        else create_person(session, name=wanted, at=now, staff_number=staff_number, department=department)
    )
    if person.name.lower() != wanted.lower():
        raise UserError(f"the id {staff_number} belongs to {person.name}, not to {wanted}")
    if consent is not None:
        give_consent(session, person.id, consent, at=now)
    if person.consent_at is None:
        raise UserError(f"no consent of {wanted} is recorded: ask, then say with --consent TEXT what was agreed to")
    return person.id
