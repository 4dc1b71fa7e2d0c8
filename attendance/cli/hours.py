"""Commands about working time: demo data, the nightly roll-up by hand, reports to files.

In: counts, dates, file names.  Out: rows, files.
Does not know: how days are computed.
"""

from __future__ import annotations

from datetime import date, datetime
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

    In a folder without a site it makes one first, as init does.
    """
    if first_steps.missing(context):
        first_steps.set_up(context)
    from attendance import bootstrap
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
    from attendance.service.hours import exports
    from attendance.service.hours.days import sheet

    site = bootstrap.installation_for(settings_of(context))
    zone = site.zone
    days: tuple[date, date] = (first.date(), last.date())
    with site.sessions() as session:
        rows = sheet(session, *days, zone, site.clock.now())
    write = exports.frappe_csv if form == "frappe" else exports.zk_csv
    try:
        file.write_text(write(rows, zone), encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from error
    click.echo(f"{file}: {len(exports.counted(rows))} check-ins")
