"""Commands about cameras: list them, add one, change one.

In: names, addresses.  Out: a table; changed rows.
Does not know: how a camera is read.  A running daemon takes changes over by itself.
"""

from __future__ import annotations

from typing import Any

import click

from attendance.cli.command_line import settings_of, warn_of_secrets, whole_source
from attendance.console import table
from attendance.errors import UserError, without_secrets

_SOURCE = "Webcam number, rtsp://…, http://…, video file or folder; - asks for it, so that nobody reads a password."
_TIMES = [
    click.option("--rotate", type=int, help="Turn its pictures clockwise by 90, 180 or 270 degrees; 0: not."),
    click.option("--max-fps", type=float, help="Most frames looked at in a second."),
    click.option("--read-timeout-s", type=float, help="Seconds to wait for a picture."),
    click.option("--open-timeout-s", type=float, help="Seconds to wait for a connection."),
    click.option("--reconnect-min-s", type=float, help="Seconds before the first attempt to connect again."),
    click.option("--reconnect-max-s", type=float, help="Longest such wait."),
]


def _times(command: Any) -> Any:
    for option in reversed(_TIMES):
        command = option(command)
    return command


@click.group()
def camera() -> None:
    """List, add and change cameras; one daemon watches all that are in use."""


@camera.command("list")
@click.pass_context
def camera_list(context: click.Context) -> None:
    """List the cameras with their doors and how they are."""
    from attendance import bootstrap
    from attendance.service.cameras.health import health_of
    from attendance.store.access import doors
    from attendance.store.cameras import cameras

    site = bootstrap.installation_for(settings_of(context))
    with site.sessions() as session:
        rows = []
        for row in cameras.list_cameras(session):
            door = doors.door_at(session, row.name)
            source = row.source if row.address is not None else f"{row.source} (no address yet)"
            words = health_of(row, site.clock.now()).words
            rows.append((row.name, source, row.direction, "" if door is None else door.name, row.computer, words))
    click.echo(table(rows, ("camera", "source", "direction", "door", "computer", "state")))


@camera.command("add")
@click.argument("name")
@click.argument("source")
@click.option("--door", help="The door at which it stands; needed if there are several.")
@click.option(
    "--direction", type=click.Choice(["in", "out", "unknown"]), default="in", show_default=True,
    help="Which way people pass there.",
)  # fmt: skip
@_times
@click.pass_context
def camera_add(
    context: click.Context, /, name: str, source: str, door: str | None, direction: str, **times: float | None
) -> None:
    """Add the camera NAME that is read from SOURCE, or - to be asked for it.

    SOURCE: webcam number, rtsp://…, http://…, video file or folder of pictures.  A running daemon watches it within
    seconds; one that only this computer has, such as a webcam, is watched by this computer's daemon alone.
    """
    settings, given = settings_of(context), _whole(source)
    _warn(source)
    from attendance import bootstrap
    from attendance.service.audit.audit import Actor
    from attendance.service.cameras import watching
    from attendance.service.cameras.addresses import this_computer
    from attendance.store.access import doors

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        place = None if door is None else doors.door_named(session, door)
        if door is not None and place is None:
            names = ", ".join(one.name for one in doors.list_doors(session))
            raise UserError(f"there is no door {door}; there is {names}")
        watching.add(
            session,
            site.keys,
            watching.checked(name, given, direction, times),
            door_id=None if place is None else place.id,
            here=this_computer(),
            actor=Actor("command line", "camera add"),
            at=site.clock.now(),
        )
    click.echo(f"camera {name}: {without_secrets(given)}")


@camera.command("change")
@click.argument("name")
@click.option("--source", default="", help=_SOURCE)
@click.option("--computer", help='Name of the computer whose daemon watches it; "": any.')
@click.option("--use/--no-use", default=None, help="Whether it is in use.")
@_times
@click.pass_context
def camera_change(
    context: click.Context, /, name: str, source: str, computer: str | None, use: bool | None, **times: float | None
) -> None:
    """Change the camera NAME; what is not given stays.  Its daemon takes it over within seconds."""
    settings, given = settings_of(context), _whole(source) if source else ""
    _warn(source)
    from attendance import bootstrap
    from attendance.service.audit.audit import Actor
    from attendance.service.cameras import watching
    from attendance.service.cameras.addresses import this_computer

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        row = _row(session, name)
        options = {**row.options, **{key: value for key, value in times.items() if value is not None}}
        watching.change(
            session,
            site.keys,
            row.id,
            source=given,
            options=options,
            here=this_computer(),
            computer=computer,
            active=use,
            actor=Actor("command line", "camera change"),
            at=site.clock.now(),
        )
    click.echo(f"camera {name} is changed")


@camera.command("remove")
@click.argument("name")
@click.pass_context
def camera_remove(context: click.Context, /, name: str) -> None:
    """Remove the camera NAME; its daemon stops watching it within seconds.

    Its address is forgotten, passages stay in the log, and no settings file brings it back.  Add it again by its name.
    """
    settings = settings_of(context)
    from attendance import bootstrap
    from attendance.service.audit.audit import Actor
    from attendance.service.cameras import watching

    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        watching.remove(session, _row(session, name).id, Actor("command line", "camera remove"), site.clock.now())
    click.echo(f"camera {name} is removed")


def _row(session: Any, name: str) -> Any:
    """Return the camera of this name; UserError that names those that there are."""
    from attendance.store.cameras import cameras

    row = cameras.get_camera(session, name)
    if row is None:
        names = ", ".join(one.name for one in cameras.list_cameras(session))
        raise UserError(f"there is no camera {name}; there is {names or 'none'}")
    return row


def _whole(source: str) -> str:
    """Return the address: asked for if it is -, and a file or folder by its whole path."""
    if source == "-":
        return str(click.prompt("Address of the camera", hide_input=True))
    return whole_source(source)


def _warn(source: str) -> None:
    if without_secrets(source) != source:
        warn_of_secrets(["camera.source"])
