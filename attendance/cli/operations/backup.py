"""The commands backup and restore.

In: settings, files.  Out: lines that say what was written, read back and put in place.
Does not know: how a database is copied.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from attendance.cli.command_line import settings_of
from attendance.errors import UserError

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group(invoke_without_command=True)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder; else backup.folder.")
@click.pass_context
def backup(context: click.Context, folder: Path | None) -> None:
    """Write a backup of the database and read it back whole; site and daemon may run meanwhile.

    The master key and the settings file are not in it: keep them elsewhere.
    """
    if context.invoked_subcommand is not None:
        return
    from attendance import bootstrap
    from attendance.service.operations import backups

    site = bootstrap.installation_for(settings_of(context))
    target = folder or _folder(context)
    made, contents = backups.make(site.engine, target, site.clock.now())
    gone = 0 if folder else backups.prune(target, site.settings.backup.keep_days, site.clock.now())
    counted = f"{contents.people:,} people, {contents.passages:,} passages"
    click.echo(f"{made.path}: {made.bytes:,} bytes, {counted}; read back whole")
    if gone:
        click.echo(f"{gone} backups older than {site.settings.backup.keep_days} days were deleted")
    click.echo(f"not in it: the master key ({bootstrap.key_place(site.settings, site.engine)}) and the settings file")
    click.echo("keep the key away from the backups: with both together every template can be read")


@backup.command("list")
@click.pass_context
def list_all(context: click.Context) -> None:
    """List the backups in backup.folder, newest first."""
    from attendance.console import table
    from attendance.service.operations import backups

    settings = settings_of(context)
    found = backups.list_backups(_folder(context))
    if not found:
        raise UserError(f"there are no backups in {_folder(context)}: make one with the command backup")
    rows = [
        (one.path.name, f"{one.made_at.astimezone(settings.site.zone):%Y-%m-%d %H:%M}", f"{one.bytes:,}")
        for one in found
    ]
    click.echo(table(rows, ("file", "made", "bytes")))


@backup.command("check")
@click.argument("file", type=_FILE)
@click.pass_context
def check(context: click.Context, file: Path) -> None:
    """Read FILE whole and say whether it can be restored here."""
    from attendance import bootstrap
    from attendance.service.operations import backups
    from attendance.store.crypto import WrongMasterKey

    contents = backups.check(file)
    settings = settings_of(context)
    keys = bootstrap.existing_keys(settings, bootstrap.engine_for(settings))
    if contents.key is not None and contents.key != keys.fingerprint:
        raise WrongMasterKey
    click.echo(f"{file}: whole, {contents.people:,} people, {contents.passages:,} passages, the master key fits")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--wait", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait for programs to end."
)
@click.pass_context
def restore(context: click.Context, file: Path, yes: bool, wait: float) -> None:
    """Put the backup FILE in place of the database.

    Site and daemon notice it and end; run and systemd start them again.  The replaced database is kept as a backup.
    """
    from attendance import bootstrap
    from attendance.bootstrap import SystemClock
    from attendance.service.audit.audit import Actor
    from attendance.service.operations.restore import restore as put_back

    settings = settings_of(context)
    engine = bootstrap.engine_for(settings)
    keys = bootstrap.existing_keys(settings, engine)
    place = engine.url.render_as_string(hide_password=True)
    if not yes:
        click.confirm(f"replace the database {place} by {file}", abort=True)
    folder = _folder(context)
    actor = Actor("command line", f"restore by user {os.getuid()}")
    done = put_back(engine, keys, file.absolute(), folder, SystemClock().now(), actor, wait)
    click.echo(f"{place}: restored from {file}; {done.contents.people:,} people, {done.contents.passages:,} passages")
    if done.kept is not None:
        click.echo(f"the replaced database is kept: {done.kept}")
    if done.erased is None:
        click.echo("who was erased since the backup cannot be seen: erase those people again")
    elif done.erased:
        click.echo(f"{done.erased} people who were erased since the backup were erased again")


def _folder(context: click.Context) -> Path:
    folder = settings_of(context).backup.folder
    if not folder:
        raise UserError("backup.folder is empty: name a folder with --to, or set it")
    return Path(folder)
