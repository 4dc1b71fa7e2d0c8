"""What makes a folder a site: the settings file, the database, the token of the first login.

In: click's context.  Out: files; lines that say what was made and what comes next.
Does not know: what is done with the site afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from attendance import paths
from attendance.cli.command_line import own_zone, settings_of
from attendance.config_sources import ENV_PREFIX
from attendance.errors import UserError
from attendance.paths import program

_DATABASE = f"{ENV_PREFIX}DATABASE__URL".upper()


def missing(context: click.Context) -> bool:
    """Return whether there is no settings file where one was named, or nothing in the database."""
    file: Path | None = context.obj["file"]
    if file is not None and not file.exists():
        return True
    from attendance import bootstrap
    from attendance.store.session import schema_state

    return schema_state(bootstrap.engine_for(settings_of(context))) == "empty"


def elsewhere(context: click.Context) -> bool:
    """Return whether this folder has no settings of its own, so that the program's folder would be worked on.

    False if the command line or the environment names a settings file or a database.
    """
    here = Path("config.toml").exists() or paths.default_config().parent == Path.cwd()
    named = context.obj["file"] is not None or "database.url" in context.obj["overrides"]
    return not here and not named and not any(name.upper().startswith(_DATABASE) for name in os.environ)


def set_up(context: click.Context, *, everybody_passes: bool = False) -> None:
    """Make the settings file and the database, and print the one-time token of the first login; repeatable.

    `everybody_passes`: the caller lets everybody pass next, so that no advice about it is needed.
    """
    file = context.obj["file"]
    target = Path("config.toml") if file is None else file
    zone = own_zone()
    if not target.exists() and (file is not None or paths.default_config().parent != Path.cwd()):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            default = paths.default_config().read_bytes()
            target.write_bytes(default.replace(b'timezone = "UTC"', f'timezone = "{zone}"'.encode(), 1))
        except OSError as error:
            raise UserError(f"cannot write {target}: {error.strerror}") from error
        click.echo(f"settings: {target} (new)")
    settings = settings_of(context)
    from attendance import bootstrap

    done = bootstrap.set_up(settings)
    aside = "" if settings.site.timezone == zone else f"; this computer's own zone is {zone}"
    click.echo(f"days begin and end in {settings.site.timezone} (site.timezone){aside}")
    state = {"empty": "new", "older": "upgraded"}.get(done.was, "up to date")
    click.echo(f"database: {done.database} ({state})")
    if not (done.default_level or everybody_passes):
        click.echo(f"nobody passes the door yet; to let everybody pass: {program()} access default-level everybody")
    if done.token is None:
        click.echo(f"operators exist already; for a new one-time token: {program()} operators reset")
        return
    click.echo(f"setup token (works once, for 24 hours): {done.token}")
    click.echo(f"next: {program()} run, then open http://{settings.web.host}:{settings.web.port}/setup")
