"""Commands about working time: demo data, the nightly roll-up by hand, reports to files.

In: counts, dates, file names.  Out: rows, files.
Does not know: how days are computed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import click

from attendance.cli.command_line import settings_of
from attendance.cli.operations import first_steps
from attendance.errors import UserError

_DAY = click.DateTime(formats=["%Y-%m-%d"])
CHECK_INS = ("frappe", "zk")


@click.command("demo-data")
@click.option("--people", "count", default=200, show_default=True, help="How many people.")
@click.option("--days", default=60, show_default=True, help="How many days back.")
@click.option("--seed", default=1, show_default=True, help="Each number makes another site.")
@click.pass_context
def demo_data(context: click.Context, count: int, days: int, seed: int) -> None:
    """Fill an empty database with an invented site, to see every page and report with data.

    In a folder without settings of its own it makes a site there first, as init does, and says which database.
    """
    if first_steps.elsewhere(context) or first_steps.missing(context):
        first_steps.set_up(context, everybody_passes=True)
    from attendance import bootstrap
    from attendance.service.access.policy.editing import let_everybody_pass
    from attendance.service.audit.audit import Actor
    from attendance.service.operations import demo_data as demo
    from attendance.service.operations.demo_faces import Model

    site = bootstrap.installation_for(settings_of(context))
    bootstrap.adopt_card_threshold(site)
    card = bootstrap.cards_for(site.settings)[1]
    with site.sessions.begin() as session:
        made = demo.make(
            session, count=count, days=days, now=site.clock.now(), zone=site.settings.site.zone, seed=seed,
            model=Model(site.keys, card.model_id, card.embedding_dim or 0),
        )  # fmt: skip
    with site.sessions.begin() as session:
        let_everybody_pass(session, Actor("command line", "demo-data"), site.clock.now())
    click.echo(
        f"{made.people} people with {made.templates} templates, {made.passages} check-ins and refusals at "
        f"{made.cameras} cameras, {made.alarms} alarms, {made.leave} times of leave, "
        f"{made.corrections} waiting corrections"
    )


@click.command("roll-up")
@click.option("--days", default=7, show_default=True, help="How many finished days.")
@click.pass_context
def roll_up(context: click.Context, days: int) -> None:
    """Write down the totals of the last finished days, as the nightly job does; list forgotten check-outs."""
    from attendance import bootstrap
    from attendance.service.hours import periods
    from attendance.service.hours.day_words import Local, reasons

    site = bootstrap.installation_for(settings_of(context))
    zone = site.zone
    with site.sessions.begin() as session:
        done = periods.roll_up(session, zone, site.clock.now(), days)
    for person, day in done.forgotten:
        click.echo(f"{day.day} {person.name}: {'; '.join(reasons(day, Local(zone)))}")
    click.echo(f"{done.days} days written down, {len(done.forgotten)} without a check-out")


@click.command("check-ins")
@click.argument("form", type=click.Choice(CHECK_INS))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--from", "first", type=_DAY, required=True, help="First day.")
@click.option("--to", "last", type=_DAY, required=True, help="Last day.")
@click.pass_context
def check_ins(context: click.Context, form: str, file: Path, first: datetime, last: datetime) -> None:
    """Write the check-ins that counted to FILE, in the format of Frappe HR or of attendance terminals."""
    from attendance import bootstrap
    from attendance.service.hours.days import sheet
    from attendance.service.hours.reports import exports

    site = bootstrap.installation_for(settings_of(context))
    zone = site.zone
    days: tuple[date, date] = (first.date(), last.date())
    with site.sessions() as session:
        rows = sheet(session, *days, zone, site.clock.now())
    write = exports.frappe_csv if form == "frappe" else exports.zk_csv
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            out.writelines(write(rows, zone))
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from error
    click.echo(f"{file}: {len(exports.counted(rows))} check-ins")


@click.command("import-check-ins")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--device", default="", help="The terminal's name; use the same one each time.  [default: the file's name]"
)
@click.option("--dates", "order", type=click.Choice(("auto", "day_first", "month_first")), default="auto",
              show_default=True, help="How dates such as 03/04/2025 are written.")  # fmt: skip
@click.option("--no-directions", is_flag=True, help="Settle in and out from the times and not from the file.")
@click.option("--leave-out-unknown", is_flag=True, help="Leave out the lines of users whom nobody here is.")
@click.option("--write", is_flag=True, help="Take the file in; without it, only the report is printed.")
@click.pass_context
def import_check_ins(
    context: click.Context, file: Path, device: str, order: str, no_directions: bool, leave_out_unknown: bool,
    write: bool,
) -> None:  # fmt: skip
    """Report what an attlog.dat or CSV of another terminal would do; with --write, take it in, all or nothing."""
    from attendance import bootstrap
    from attendance.service.audit.audit import Actor
    from attendance.service.hours.imports import punches
    from attendance.service.hours.imports.punch_files import DateOrder

    site = bootstrap.installation_for(settings_of(context))
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    now, days = site.clock.now(), site.settings.retention.passages_days
    source = punches.Source(
        data, file.name, device.strip() or file.stem, site.settings.site.zone, DateOrder(order), not no_directions,
        leave_out_unknown, now - timedelta(days=days) if days else None,
    )  # fmt: skip
    with site.sessions() as session:
        report = punches.check(session, source, now)
    for bad in report.problems:
        click.echo(f"line {bad.line}: {bad.why}")
    for user, count in sorted(report.unknown.items()):
        click.echo(f"user {user}: nobody has this staff number ({count} lines)")
    if report.one_way is not None:
        click.echo(f"every line says {report.one_way.value}: terminals that ask nobody write this (--no-directions)")
    click.echo(
        f"{len(report.rows)} new check-ins of {report.people} people, {report.known} known already, "
        f"{report.twice} twice in the file, {sum(report.unknown.values())} of unknown users, "
        f"{len(report.problems)} lines that cannot be taken in"
    )
    if report.hindrances:
        raise UserError(f"{report.hindrances[0]}; nothing was taken in")
    if not write:
        click.echo("nothing was written: --write takes it in")
        return
    done = punches.take_in(site.sessions, source, now=now, actor=Actor("command line", "import-check-ins"))
    click.echo(f"{len(done.rows)} check-ins are taken in")
