"""Commands about people, what happened, and who may sign in.

In: names, photos, dates.  Out: rows, CSV, tables.
Does not know: how a photo becomes a template, or how a passage was decided.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.command_line import read_photo, settings_of, table
from attendance.errors import UserError
from attendance.processes import script_name


@click.command()
@click.argument("name")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--id", "external_id", help="Your own number for this person, such as the staff number.")
@click.option("--department", default="", help="Department.")
@click.option("--consent", metavar="TEXT", help="What the person agreed to; needed while none is recorded.")
@click.option("--two-people", is_flag=True, help="Confirm: whoever a photo resembles is somebody else.")
@click.pass_context
def enrol(
    context: click.Context,
    name: str,
    photos: Sequence[Path],
    external_id: str | None,
    department: str,
    consent: str | None,
    two_people: bool,
) -> None:
    """Enrol NAME from one or more PHOTOS; a person of that name or --id gets further photos.

    Exit code 2, and nothing changed, when no photo can be used.
    """
    settings = settings_of(context)
    contents = [(path, read_photo(path)) for path in photos]
    from attendance import bootstrap
    from attendance.domain.reason import Reason
    from attendance.service.enrol import enrol_photo
    from attendance.service.risk_upkeep import after_enrolment
    from attendance.store.people import get_person

    site = bootstrap.installation_for(settings)
    analyser = bootstrap.analyser_for(settings)
    good = 0
    with site.sessions.begin() as session:
        now = site.clock.now()
        person_id = _find_or_create(session, name, external_id, department, consent, now)
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
@click.option("--consent", metavar="TEXT", help="What everybody agreed to for whom none is recorded or listed.")
@click.option("--two-people", is_flag=True, help="Confirm: whoever resembles somebody else is another person.")
@click.option("--dry-run", is_flag=True, help="Judge and report only.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write every photo's verdict as CSV.")
@click.pass_context
def enrol_bulk(
    context: click.Context, source: Path, consent: str | None, two_people: bool, dry_run: bool, report: Path | None
) -> None:
    """Enrol many people from SOURCE: a folder with a folder of photos for each person, or a CSV file.

    A folder's name is the person's (_ for a space).  CSV columns: name, photos (separated by |, relative to
    the file); if wanted external_id, department, consent.  Every photo is judged before anything is written; a
    person is enrolled with all usable photos or not at all.  Exit code 1 when somebody was left out.
    """
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.bulk_enrol import Judged, enrol_all, judge_photos
    from attendance.service.bulk_report import coverage, photo_lines, result_rows
    from attendance.service.bulk_sources import Entry, read_entries
    from attendance.service.risk_upkeep import after_enrolment

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
    click.echo(table(result_rows(results), ("person", "photos", "usable", "templates", "outcome")))
    click.echo("\n" + coverage(results, dry_run))
    if report is not None:
        _write(report, photo_lines(results))
    if any(result.problem for result in results):
        context.exit(1)


def _find_or_create(
    session: Session, name: str, external_id: str | None, department: str, consent: str | None, now: datetime
) -> int:
    """The id of the one person who is meant; UserError when that is not clear."""
    from attendance.store.consent import give_consent
    from attendance.store.people import create_person
    from attendance.store.tables import Person

    wanted = " ".join(name.split())
    query = select(Person).where(func.lower(Person.name) == wanted.lower())
    if external_id is not None:
        query = select(Person).where(Person.external_id == external_id)
    found = session.scalars(query).all()
    if len(found) > 1:
        raise UserError(f"there are {len(found)} people named {wanted}: say which with --id")
    person = (
        found[0]
        if found
        else create_person(session, name=wanted, at=now, external_id=external_id, department=department)
    )
    if person.name.lower() != wanted.lower():
        raise UserError(f"the id {external_id} belongs to {person.name}, not to {wanted}")
    if consent is not None:
        give_consent(session, person.id, consent, at=now)
    if person.consent_at is None:
        raise UserError(f"no consent of {wanted} is recorded: ask, then say with --consent TEXT what was agreed to")
    return person.id


@click.group()
def people() -> None:
    """Enrolled people."""


@people.command("list")
@click.argument("text", default="")
@click.option("--all", "everybody", is_flag=True, help="Deactivated people too.")
@click.pass_context
def people_list(context: click.Context, text: str, everybody: bool) -> None:
    """List people; TEXT is looked for in name, id and department."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.people import count_people, search_people, template_counts

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        active = None if everybody else True
        found = search_people(session, text, active=active, limit=max(1, count_people(session, text, active)))
        counts = template_counts(session, [person.id for person in found], settings.models.recogniser)
    rows = [
        (
            str(person.id),
            person.name,
            person.external_id or "",
            person.department,
            "yes" if person.active else "no",
            str(counts[person.id]),
        )
        for person in found
    ]
    click.echo(table(rows, ("person", "name", "id", "department", "active", "photos")))


@click.group()
def events() -> None:
    """What happened at the door."""


def _filters(command: Any) -> Any:
    options = (
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day, in the site's time zone."),
        click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day."),
        click.option("--granted/--denied", "granted", default=None, help="Only these."),
        click.option("--text", default="", help="Looked for in the person's name and id."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@events.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1, 10000), default=20, show_default=True, help="Most lines.")
@click.pass_context
def events_list(context: click.Context, /, limit: int, **chosen: Any) -> None:
    """The newest passages and refusals, newest first."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.events import list_passages

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        found = list_passages(session, limit=limit, **_bounds(chosen, settings.site.zone))
    rows = []
    for view in found:
        passage = view.passage
        who = view.person_name or ("(erased)" if passage.granted else "")
        score = "" if passage.score is None else f"{passage.score:.3f}"
        at = passage.at.astimezone(settings.site.zone).strftime("%Y-%m-%d %H:%M:%S")
        result, by = "granted" if passage.granted else "denied", passage.method.words
        rows.append((at, passage.camera, by, result, who, passage.reason.words, score))
    click.echo(table(rows, ("time", "camera", "by", "result", "person", "reason", "score")))


@events.command("export")
@_filters
@click.option("--csv", "target", metavar="FILE", default="-", show_default=True, help="- is the standard output.")
@click.pass_context
def events_export(context: click.Context, /, target: str, **chosen: Any) -> None:
    """Write passages and refusals as CSV, newest first; a file begins with a BOM, for spreadsheets."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.reports import all_passages, passages_csv

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        zone = settings.site.zone
        lines = passages_csv(all_passages(session, **_bounds(chosen, zone)), zone)
        if target == "-":
            sys.stdout.reconfigure(newline="") if hasattr(sys.stdout, "reconfigure") else None
            for line in lines:
                click.echo(line, nl=False)
            return
        count = _write(Path(target), lines)
    click.echo(f"{target}: {count} rows")


def _write(path: Path, lines: Iterable[str]) -> int:
    """Whole or not at all; returns the rows without the header."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("w", encoding="utf-8-sig", newline="") as file:
            count = sum(1 for line in lines if file.write(line)) - 1
        draft.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def _bounds(chosen: dict[str, Any], zone: Any) -> dict[str, Any]:
    """Local days → the store's filters in UTC."""
    from attendance.service.reports import day_bounds

    since, until = chosen.pop("since"), chosen.pop("until")
    first: date | None = since and since.date()
    last: date | None = until and until.date()
    if first and last and first > last:
        raise UserError(f"--since {first} is after --until {last}")
    return {
        **chosen,
        "since": day_bounds(first, zone)[0] if first else None,
        "until": day_bounds(last, zone)[1] if last else None,
    }


@click.group()
def operators() -> None:
    """Who may sign in to the admin site."""


@operators.command("list")
@click.pass_context
def operators_list(context: click.Context) -> None:
    """Who may sign in, as what, and a supervisor's teams."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.operators import all_teams, list_operators

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        known, teams = list_operators(session), all_teams(session)
    rows = [(one.username, one.role, ", ".join(teams.get(one.id, [])), "yes" if one.active else "no") for one in known]
    click.echo(table(rows, ("user name", "role", "teams", "active")))


def _role(command: Any) -> Any:
    options = (
        click.option(
            "--role", type=click.Choice(["viewer", "supervisor", "admin"]), required=True, help="May do what."
        ),
        click.option("--team", "teams", multiple=True, help="A supervisor's department; give it once for each."),
        click.option("--staff-number", help="Who this is among the people: nobody decides about themselves."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@operators.command("add")
@click.argument("username")
@_role
@click.pass_context
def operators_add(context: click.Context, /, username: str, **chosen: Any) -> None:
    """Add an operator; asks for the password, twice."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.operators import create_operator

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        _chosen_role(session, **chosen)
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with site.sessions.begin() as session:
        made = create_operator(session, username, password, at=site.clock.now(), **_chosen_role(session, **chosen))
    click.echo(f"{made.username} can sign in as {made.role}")


@operators.command("role")
@click.argument("username")
@_role
@click.pass_context
def operators_role(context: click.Context, /, username: str, **chosen: Any) -> None:
    """Give an operator another role, other teams, another person; in force at once."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.operators import list_operators, set_role

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        numbers = {one.username: one.id for one in list_operators(session)}
        if username.strip().casefold() not in numbers:
            raise UserError(f"there is no operator {username}: see {script_name()} operators list")
        number = numbers[username.strip().casefold()]
        changed = set_role(session, number, **_chosen_role(session, **chosen))
    click.echo(f"{changed.username} is {changed.role} now")


def _chosen_role(session: Session, role: str, teams: Sequence[str], staff_number: str | None) -> dict[str, Any]:
    """For the store; UserError for a team that nobody is in, and for an unknown staff number."""
    from attendance.store.rosters import departments, everybody

    known = departments(session)
    for team in teams:
        if team not in known:
            raise UserError(f"nobody is in the team {team}: the teams are {', '.join(known) or 'none so far'}")
    person_id = None
    if staff_number is not None:
        numbers = {one.external_id: one.id for one in everybody(session, active=None)}
        if staff_number not in numbers:
            raise UserError(f"nobody has the staff number {staff_number}: see {script_name()} people list")
        person_id = numbers[staff_number]
    return {"role": role, "teams": teams, "person_id": person_id}


@operators.command("reset")
@click.option("--hours", type=click.FloatRange(min=0.1, max=168), default=24.0, show_default=True, help="It is valid.")
@click.pass_context
def operators_reset(context: click.Context, hours: float) -> None:
    """Print a new one-time token with which an administrator can be made; older tokens stop working."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.store.operators import issue_token

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        token = issue_token(session, at=site.clock.now(), valid_for=timedelta(hours=hours))
    click.echo(f"setup token (works once, for {hours:g} hours): {token}")
    click.echo(f"open http://{settings.web.host}:{settings.web.port}/setup while {script_name()} web or run is running")
