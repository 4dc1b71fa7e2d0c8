"""Commands about doors: what happened there, how they decide, and whether one moves.

In: filters; a door's name.  Out: a table; CSV; the decision table as Markdown; lines of what was seen.
Does not know: how a decision was made, how a device is spoken to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import click

from attendance.cli.command_line import settings_of
from attendance.console import table
from attendance.errors import UserError


@click.group()
def events() -> None:
    """List and export what happened at the doors."""


def _filters(command: Any) -> Any:
    options = (
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day, in the site's time zone."),
        click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day."),
        click.option("--granted/--denied", "granted", default=None, help="Only these."),
        click.option("--text", default="", help="Search for this in the person's name and staff number."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@events.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1, 10000), default=20, show_default=True, help="Most lines.")
@click.pass_context
def events_list(context: click.Context, /, limit: int, **chosen: Any) -> None:
    """List the newest passages and refusals, newest first."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.access.passage_texts import method_words
    from attendance.service.access.reason_texts import reason_words
    from attendance.store.access.events import list_passages

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        views = list_passages(session, limit=limit, **_bounds(chosen, settings.site.zone))
    rows = []
    for view in views:
        passage = view.passage
        who = view.person_name or ("(erased)" if passage.granted else "")
        score = "" if passage.score is None else f"{passage.score:.3f}"
        at = passage.at.astimezone(settings.site.zone).strftime("%Y-%m-%d %H:%M:%S")
        result, by = "granted" if passage.granted else "denied", method_words(passage.method)
        rows.append((at, passage.camera, by, result, who, reason_words(passage.reason), score))
    click.echo(table(rows, ("time", "camera", "by", "result", "person", "reason", "score")))


@events.command("export")
@_filters
@click.option(
    "--csv",
    "target",
    metavar="FILE",
    default="-",
    show_default=True,
    help="Target; - is the standard output.",
)
@click.pass_context
def events_export(context: click.Context, /, target: str, **chosen: Any) -> None:
    """Write passages and refusals as CSV, newest first; a file begins with a BOM, for spreadsheets."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.access.log import all_passages, passages_csv

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


@click.group()
def access() -> None:
    """Show how doors decide."""


@access.command("table")
def access_table() -> None:
    """Print the decision table: situations of an example site, each judged anew by the rules."""
    from attendance.service.access.decision_table import as_markdown, rows

    found = list(rows())
    click.echo(as_markdown(found), nl=False)
    wrong = [f"{row.number} (expected {' '.join(row.expected)})" for row in found if not row.right]
    if wrong:
        raise UserError(f"rows that are not decided as expected: {', '.join(wrong)}")


@access.command("chaos")
@click.option("--faults", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="How many.")
@click.option("--seed", type=int, default=14, show_default=True, help="Of what is tried, and in which order.")
@click.pass_context
def access_chaos(context: click.Context, faults: int, seed: int) -> None:
    """Try a door with faults: kills, power cuts, devices that lie, a database that is away, wrong clocks, two programs.

    Everything happens to a site of its own in a temporary folder; yours is not touched. Power cuts and full disks need
    the rights to mount a disk (root). Exit code 1 if the door did anything that it may never do.
    """
    from attendance.programs.chaos.run import run_chaos
    from attendance.programs.chaos.verdict import lines

    count = run_chaos(faults, seed, click.echo)
    for line in lines(count):
        click.echo(line)
    context.exit(0 if count.well else 1)


@access.command("default-level")
@click.argument("name", metavar="LEVEL")
@click.option("--also-present/--only-later", default=True, show_default=True, help="Give it to those on record, too.")
@click.pass_context
def access_default_level(context: click.Context, name: str, also_present: bool) -> None:
    """Choose the access level that people get when they are added: LEVEL, such as everybody, or none."""
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.access.policy import editing
    from attendance.service.audit.audit import Actor

    site = bootstrap.installation_for(settings)
    actor = Actor("command line", "access default-level")
    with site.sessions.begin() as session:
        levels = editing.level_names(session)
        if name != "none" and name not in levels:
            raise UserError(
                "there is no access level %(name)s; there are: %(known)s", name=name, known=", ".join(levels)
            )
        given = editing.choose_default_level(session, actor, site.clock.now(), levels.get(name), also_present)
    click.echo("people who are added get no access level" if name == "none" else f"{name}: given to {given} people")


def _write(path: Path, lines: Iterable[str]) -> int:
    """Write the whole file or nothing; return the number of rows without the header."""
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
    """Turn local days into the store's filters in UTC."""
    from attendance.service.access.log import day_bounds

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
def door() -> None:
    """Try a door."""


@door.command("test")
@click.argument("name")
@click.option(
    "--seconds", type=click.FloatRange(0, 60, min_open=True), help="Length of the pulse; else that of the settings."
)
@click.option(
    "--watch", type=click.FloatRange(0, 300), default=5.0, show_default=True, help="Seconds to watch after it."
)
@click.option("--no-unlock", is_flag=True, help="Only look; nothing moves but what the driver sets on its device.")
@click.option("--yes", is_flag=True, help="Unlock without asking first.")
@click.pass_context
def door_test(
    context: click.Context, name: str, seconds: float | None, watch: float, no_unlock: bool, yes: bool
) -> None:
    """Walk through a door: reach its device, read its inputs, unlock once, and say what was seen.

    Stand at the door and open it during the test.  The test is noted in the audit before the door moves.
    Exit code 1 if there are warnings, 2 if there are faults.
    """
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.access.doors import trial
    from attendance.service.access.doors.devices import device_named
    from attendance.service.access.doors.remote import note_test

    site = bootstrap.installation_for(settings)
    with site.sessions() as session:
        device = device_named(session, site.keys, name, settings.door)
    tried = bootstrap.door_for(device)
    lines: list[trial.Line] = []

    def say(line: trial.Line) -> None:
        lines.append(line)
        click.echo(f"{line.verdict:<7}  {line.words}")

    try:
        click.echo(f"door {name}, driver {device.driver}")
        for line in trial.survey(tried):
            say(line)
        pulse_s = seconds or device.unlock_s
        if not no_unlock and (yes or click.confirm(f"Unlock it now for {pulse_s:g} s?", default=False)):
            note_test(site.sessions, site.clock, name, pulse_s)
            for line in trial.unlock(tried, pulse_s, watch):
                say(line)
    finally:
        tried.close()
    context.exit({"ok": 0, "warning": 1, "fault": 2}[trial.worst(lines)])
