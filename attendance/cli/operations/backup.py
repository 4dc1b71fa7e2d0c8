"""The commands backup and restore.

In: settings, files.  Out: lines that say what was written, read back and put in place.
Does not know: how a database is copied.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from attendance.cli.command_line import settings_of
from attendance.config import Settings
from attendance.errors import UserError

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
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
    from attendance.service.privacy import key_backups

    site = bootstrap.installation_for(settings_of(context))
    target = folder or _folder(context)
    keys_to = _key_folder(site.settings)
    made, contents = backups.make(site.engine, target, site.clock.now(), key_folder=keys_to)
    if keys_to is not None:
        key_backups.prune(keys_to, site.settings.backup.key_days, site.clock.now())
    gone = 0 if folder else backups.prune(target, site.settings.backup.keep_days, site.clock.now())
    counted = f"{contents.people:,} people, {contents.passages:,} passages"
    click.echo(f"{made.path}: {made.bytes:,} bytes, {counted}; read back whole")
    if gone:
        click.echo(f"{gone} backups older than {site.settings.backup.keep_days} days were deleted")
    click.echo(f"not in it: the master key ({bootstrap.key_place(site.settings, site.engine)}) and the settings file")
    if keys_to is None:
        click.echo("keep the key away from the backups: with both together every template can be read")
    else:
        click.echo(
            f"people's keys are in {keys_to}, for {site.settings.backup.key_days} days: keep them elsewhere, too"
        )


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
@click.option("--keys", "keys_from", type=_FOLDER, help="Folder of backups of people's keys; else backup.key_folder.")
@click.option("--ledger-lost", is_flag=True, help="Begin a new ledger of erasures: the old one is lost for good.")
@click.option(
    "--wait", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait for programs to end."
)
@click.pass_context
def restore(
    context: click.Context, file: Path, yes: bool, wait: float, keys_from: Path | None, ledger_lost: bool
) -> None:
    """Put the backup FILE in place of the database.

    Site and daemon notice it and end; run and systemd start them again.  The replaced database is kept as a backup.
    """
    from attendance import bootstrap
    from attendance.bootstrap import SystemClock
    from attendance.service.audit.audit import Actor
    from attendance.service.operations.restore import Apart
    from attendance.service.operations.restore import restore as put_back
    from attendance.service.privacy.erasure import ledger_for
    from attendance.store.session import shown_url

    settings = settings_of(context)
    engine = bootstrap.engine_for(settings)
    keys = bootstrap.existing_keys(settings, engine)
    place = shown_url(engine)
    if not yes:
        click.confirm(f"replace the database {place} by {file}", abort=True)
    folder = _folder(context)
    actor = Actor("command line", f"restore by user {os.getuid()}")
    apart = Apart(ledger_for(settings, engine, keys), keys_from or _key_folder(settings), ledger_lost)
    done = put_back(engine, keys, file.absolute(), folder, SystemClock().now(), actor, wait, apart=apart)
    click.echo(f"{place}: restored from {file}; {done.contents.people:,} people, {done.contents.passages:,} passages")
    if done.kept is not None:
        click.echo(f"the replaced database is kept: {done.kept}")
    if not done.known:
        click.echo("there was no ledger of erasures: erase those people again who were erased since the backup")
    if done.erased:
        click.echo(f"{done.erased} people who were erased since the backup were erased again")
    if done.keyless:
        click.echo(f"{done.keyless} people have to be enrolled again: no backup of keys has their keys")


def _key_folder(settings: Settings) -> Path | None:
    return Path(settings.backup.key_folder) if settings.backup.key_folder else None


def _folder(context: click.Context) -> Path:
    folder = settings_of(context).backup.folder
    if not folder:
        raise UserError("backup.folder is empty: name a folder with --to, or set it")
    return Path(folder)
