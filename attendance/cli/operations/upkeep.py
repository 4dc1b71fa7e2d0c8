"""The commands doctor, clock-confirm and install-service.

In: settings.  Out: a table of checks and an exit code; unit files.
Does not know: what is checked, what the units say.
"""

from __future__ import annotations

import grp
import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from attendance import config, paths
from attendance.cli.command_line import settings_of
from attendance.errors import UserError


@click.command()
@click.option("--quick", is_flag=True, help="Do not read the whole database.")
@click.pass_context
def doctor(context: click.Context, quick: bool) -> None:
    """Check camera, weights, database, key, clock, permissions, port and backups.

    Exit code 1 if there are warnings, 2 if there are faults.
    """
    from attendance import bootstrap
    from attendance.programs import daemons
    from attendance.service.operations.doctor import Verdict, examine, worst

    site = bootstrap.installation_for(settings_of(context))
    checks = examine(
        bootstrap.patient_for(site, deep=not quick),
        [*bootstrap.extra_checks(site), *daemons.camera_checks(site)],
    )
    wide = max(len(check.what) for check in checks)
    for check in checks:
        click.echo(f"{check.verdict:<7}  {check.what:<{wide}}  {check.words}")
        if check.advice and check.verdict is not Verdict.OK:
            click.echo(f"{'':<7}  {'':<{wide}}  → {check.advice}")
    context.exit(list(Verdict).index(worst(checks)))


@click.command("clock-confirm")
@click.option("--yes", is_flag=True, help="Do not ask: the computer's clock is right.")
@click.pass_context
def clock_confirm(context: click.Context, yes: bool) -> None:
    """Say that the computer's clock is right, after it jumped or started before the newest passage.

    Site and daemon believe it again within half a minute.  It is an entry in the audit.  After another jump the clock
    is in doubt again.
    """
    from attendance import bootstrap
    from attendance.service.audit import audit
    from attendance.service.ports import mark_of
    from attendance.store.operations.clock_confirmation import confirm, not_before

    site = bootstrap.installation_for(settings_of(context))
    with site.sessions() as session:
        newest = not_before(session)
    local = site.clock.now().astimezone(site.zone)
    click.echo(f"the computer's clock says {local:%Y-%m-%d %H:%M:%S} ({site.zone.key})")
    if newest is not None:
        click.echo(f"the newest passage is of     {newest.astimezone(site.zone):%Y-%m-%d %H:%M:%S}")
    if not yes:
        click.confirm("Is the computer's clock right?", abort=True)
    now, actor = site.clock.now(), audit.Actor("command line", f"clock-confirm by user {os.getuid()}")
    with site.sessions.begin() as session:
        confirm(session, now, mark_of(site.clock))
        audit.record(session, actor=actor, action=audit.Action.CONFIRM_CLOCK, at=now)
    click.echo("confirmed; site and daemon believe it within half a minute")


@click.command("install-service")
@click.option("--user", default="attendance", show_default=True, help="The user as whom site and daemon run.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/etc/systemd/system"),
    show_default=True,
    help="Folder for the units.",
)
@click.pass_context
def install_service(context: click.Context, user: str, folder: Path) -> None:
    """Write systemd units for site and daemon: started at boot, watched, started again, shut in.

    Nothing is started; the next steps are printed.
    """
    from attendance import bootstrap
    from attendance.service.operations.systemd_units import Place, units
    from attendance.store.session import database_file

    loaded = config.load(context.obj["file"], context.obj["overrides"])
    settings = settings_of(context)
    if loaded.file == paths.default_config() and loaded.file.parent.name == "_data":
        raise UserError(
            "there is no settings file of this site: make one with the command init, or name it by --config"
        )
    database = database_file(bootstrap.engine_for(settings))
    given = [
        database.parent if database else None,
        Path(settings.backup.folder or "."),
        Path(settings.logs.folder or "."),
    ]
    writable = list(dict.fromkeys(path.absolute() for path in given if path is not None and path != Path()))
    groups = []
    for name in ("video", "gpio", "dialout"):
        with suppress(KeyError):
            groups.append(grp.getgrnam(name).gr_name)
    place = Place(Path(sys.executable), paths.package_parent(), loaded.file, user, writable, groups)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in writable:
            path.mkdir(parents=True, exist_ok=True)
        for name, text in units(place).items():
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o644)  # they hold no secret, and everybody may ask systemd about them
            click.echo(f"{folder / name}")
    except OSError as error:
        what = f"cannot write {error.filename}: {error.strerror}"
        raise UserError(f"{what}; use sudo, or --to another folder") from error
    owned = " ".join(str(path) for path in writable)
    click.echo("next, as root:")
    click.echo(f"  id {user} || useradd --system --home-dir {writable[0]} --shell /usr/sbin/nologin {user}")
    click.echo(f"  chown -R {user}: {owned}")
    click.echo("  systemctl daemon-reload && systemctl enable --now attendance.target")
    click.echo("  systemctl enable attendance-site attendance-daemon")
