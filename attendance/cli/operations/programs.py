"""The programs of a site: web, daemon, and run, which starts both.

In: settings, options.  Out: programs that serve until they are ended.
Does not know: how anything is served or watched; it wires and waits.
"""

from __future__ import annotations

import http.client
import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from attendance.cli.command_line import arguments_of, environ_of, settings_of, warn_of_secrets, whole_source
from attendance.cli.operations.log_output import log_to_folder
from attendance.errors import UserError, without_secrets
from attendance.processes import Program, ServiceManager, own_command, patiently, run_together, stop_on_signals
from attendance.store.faults import DatabaseLocked, DatabaseReplaced, DatabaseUnreachable

if TYPE_CHECKING:
    from attendance.bootstrap import Installation

log = logging.getLogger(__name__)

# What the programs wait for when they start.
_NOT_YET = (DatabaseLocked, DatabaseUnreachable)
# The exit code for what the next start may mend (EX_TEMPFAIL); with that of a wrong use, `run` could end.
_START_AGAIN = 75
# How `run` hands its --camera on: everybody can read the command line of a program.
_CAMERA = "ATTENDANCE_DAEMON_CAMERA"


@click.command()
@click.option("--host", help="Address to listen at.")
@click.option("--port", type=int, help="Port to listen at.")
@click.pass_context
def web(context: click.Context, host: str | None, port: int | None) -> None:
    """Serve the admin site until ended."""
    settings = settings_of(context, {"web.host": host, "web.port": port})
    log_to_folder(settings.logs, "site")
    from attendance import bootstrap

    found: list[Installation] = []
    stop = threading.Event()
    with stop_on_signals(stop):
        if not patiently(lambda: found.append(bootstrap.installation_for(settings)), stop, _NOT_YET):
            return
    _serve(found[0])


def _serve(site: Installation) -> None:
    from attendance import bootstrap, jobs
    from attendance.web.kiosk.screen import end_streams
    from attendance.web.operations.server import make_server
    from attendance.web.site import site_of

    settings, manager = site.settings, ServiceManager()
    _warn_of_exposed_files(site)
    listener = _listen(settings.web.host, settings.web.port)
    app = bootstrap.web_app_for(site)
    # Each screen's stream keeps a thread to itself; four are left for everybody else.
    server = make_server(app, listener, settings, 4 + settings.kiosk.max_streams)
    watching = jobs.watching(site_of(app).readiness, site.sessions, settings, site.clock)
    table = (
        *jobs.jobs_of(site.sessions, site.keys, settings, site.clock),
        *watching,
        *jobs.growing_of(site_of(app).growing),
    )
    scheduler = jobs.start(table, site.clock)
    bootstrap.serve_site_numbers(site, site_of(app).readiness)

    def stop(*_: object) -> None:
        manager.stopping()
        end_streams(app)
        sys.exit(0)  # waitress ends its loop on this, and waits for its threads

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    replaced = _watch_site(site, manager)
    click.echo(f"admin site: http://{settings.web.host}:{settings.web.port}")
    manager.ready()
    try:
        server.run()
    finally:
        server.close()
        scheduler.shutdown(wait=False)
    if replaced.is_set():
        sys.exit(_START_AGAIN)


def _warn_of_exposed_files(site: Installation) -> None:
    """Log what other users of this computer could read, once, as a program starts."""
    from attendance import bootstrap
    from attendance.service.operations.file_rights import exposed
    from attendance.store.session import database_file

    elsewhere = os.environ.get("ATTENDANCE_MASTER_KEY") or os.environ.get("ATTENDANCE_MASTER_KEY_FILE")
    key = None if elsewhere else bootstrap.key_file(site.settings, site.engine)
    for one in exposed(site.settings, database_file(site.engine), key):
        (log.error if one.grave else log.warning)("%s. %s", one.words, one.advice)


def _watch_site(site: Installation, manager: ServiceManager) -> threading.Event:
    """End the site as a signal would if its database is replaced; the event then says so.

    Systemd gets a sign of life only after the site answered a request: a thread that merely lives proves nothing.
    """
    from attendance.store.operations.replaced import CHECK_EVERY_S, ReplacedWatch

    watch, replaced = ReplacedWatch(site.engine), threading.Event()

    def loop() -> None:
        while not replaced.wait(CHECK_EVERY_S):
            if manager.due and _answers(site.settings.web.host, site.settings.web.port):
                manager.alive()
            try:
                watch.check()
            except DatabaseReplaced as error:
                log.error("%s", error)
                replaced.set()
                os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=loop, name="database watch", daemon=True).start()
    return replaced


def _answers(host: str, port: int) -> bool:
    """Return whether the site itself answers that it lives."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  whoever listens everywhere  # nosec B104
    connection = http.client.HTTPConnection(own, port, timeout=5)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _listen(host: str, port: int) -> socket.socket:
    # Our own socket: when the port is taken, waitress would leave its one open.
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UserError(f"cannot listen at {host}:{port}: {error.strerror}; choose another --port") from error


@click.command()
@click.option(
    "--camera",
    metavar="SRC",
    envvar=_CAMERA,
    help="Watch this instead of the site's cameras: webcam number, rtsp://…, http://…, video file, folder of pictures.",
)
@click.option("--name", help="Watch this camera of the site only; with --camera, its name in the log.")
@click.option("--once", is_flag=True, help="Look at one frame of each camera, then end.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="End after so many seconds.")
@click.pass_context
def daemon(context: click.Context, camera: str | None, name: str | None, once: bool, max_seconds: float | None) -> None:
    """Watch the site's cameras: recognise, record, unlock; until ended.

    All cameras in use are watched by one process.  With --name each gets its own, such as on several computers.
    """
    _warn_of_camera(context, camera)
    settings = settings_of(context, {"camera.source": camera and whole_source(camera), "camera.name": name})
    log_to_folder(settings.logs, f"daemon-{name or settings.camera.name}" if name or camera else "daemon")
    from attendance import bootstrap
    from attendance.programs import daemons

    stop, manager = threading.Event(), ServiceManager()

    def watch() -> None:
        # The watchdog is fed by the frame loops themselves: a frame that hangs is a daemon that hangs.
        site = bootstrap.installation_for(settings)
        _warn_of_exposed_files(site)
        if camera is not None:
            one = daemons.worker_for(site, every_turn=(manager.alive,))
            one.run(stop, max_seconds=max_seconds, once=once, started=manager.ready)
            return
        several = daemons.several_cameras_for(site, manager.alive, only=name)
        several.run(stop, max_seconds=max_seconds, once=once, started=manager.ready)

    with stop_on_signals(stop):  # from here on, so that a signal while the networks load ends it cleanly, too
        patiently(watch, stop, _NOT_YET)
    manager.stopping()


def _warn_of_camera(context: click.Context, camera: str | None) -> None:
    given = context.get_parameter_source("camera") is ParameterSource.COMMANDLINE
    if camera and given and without_secrets(camera) != camera:
        warn_of_secrets(["camera.source"])


@click.command()
@click.option("--camera", metavar="SRC", help="As for daemon.")
@click.option("--port", type=int, help="Port of the admin site.")
@click.pass_context
def run(context: click.Context, camera: str | None, port: int | None) -> None:
    """Run admin site and daemon together and start again whichever ends; ctrl-c ends both.

    The daemon watches all cameras of the site.
    """
    settings_of(context, {"web.port": port})  # mistakes show here, once, and not in two programs
    common, stop = arguments_of(context), threading.Event()
    source = camera and whole_source(camera)
    _warn_of_camera(context, camera)
    environ = environ_of(context, {"web.port": port}) | {_CAMERA: source}  # None: not from elsewhere, either
    programs = [
        Program("the site", own_command(*common, "web"), needed=True, environ=environ),
        Program("the daemon", own_command(*common, "daemon"), environ=environ),
    ]
    with stop_on_signals(stop), suppress(KeyboardInterrupt):
        code = run_together(programs, stop)
    if code:
        context.exit(code)
