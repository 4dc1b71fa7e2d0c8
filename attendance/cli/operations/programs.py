"""The programs of a site: web, daemon, and run, which starts both.

In: settings, options.  Out: programs that serve until they are ended.
Does not know: how anything is served or watched; it wires and waits.
"""

from __future__ import annotations

import signal
import socket
import sys
import threading
from pathlib import Path

import click

from attendance.cli.command_line import arguments_of, settings_of
from attendance.errors import UserError
from attendance.processes import own_command, run_together, script_name, stop_on_signals


@click.command()
@click.option("--host", help="Address to listen at.")
@click.option("--port", type=int, help="Port to listen at.")
@click.pass_context
def web(context: click.Context, host: str | None, port: int | None) -> None:
    """Serve the admin site until ended."""
    settings = settings_of(context, {"web.host": host, "web.port": port})
    import waitress

    from attendance import bootstrap, jobs
    from attendance.web.kiosk.screen import end_streams

    site = bootstrap.installation_for(settings)
    listener = _listen(settings.web.host, settings.web.port)
    app = bootstrap.web_app_for(site)
    server = waitress.create_server(
        app,
        sockets=[listener],
        # Each screen's stream keeps a thread to itself; waitress's own four are left for everybody else.
        threads=4 + settings.kiosk.max_streams,
        ident=None,
        # Twice what Flask takes: a photo somewhat too large is answered with a page, a far larger one not even read.
        max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"],
        # waitress would take away the headers that the settings let the site trust.
        clear_untrusted_proxy_headers=not settings.web.trusted_proxies,
    )
    scheduler = jobs.start(jobs.jobs_of(site.sessions, site.keys, settings, site.clock), site.clock)
    click.echo(f"admin site: http://{settings.web.host}:{settings.web.port}")

    def stop(*_: object) -> None:
        end_streams(app)
        sys.exit(0)  # waitress ends its loop on this, and waits for its threads

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        server.run()
    finally:
        server.close()
        scheduler.shutdown(wait=False)


def _listen(host: str, port: int) -> socket.socket:
    # Our own socket: when the port is taken, waitress would leave its one open.
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UserError(f"cannot listen at {host}:{port}: {error.strerror}; choose another --port") from error


@click.command()
@click.option("--camera", metavar="SRC", help="Webcam number, rtsp://…, http://…, video file or folder of pictures.")
@click.option("--name", help="The camera's name in the log.")
@click.option("--once", is_flag=True, help="Look at one frame, then end.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="End after so many seconds.")
@click.pass_context
def daemon(context: click.Context, camera: str | None, name: str | None, once: bool, max_seconds: float | None) -> None:
    """Watch the camera: recognise, record, unlock; until ended."""
    source = str(Path(camera).absolute()) if camera and Path(camera).exists() else camera
    settings = settings_of(context, {"camera.source": source, "camera.name": name})
    from attendance import bootstrap

    stop = threading.Event()
    with stop_on_signals(stop):  # from here on, so that a signal while the networks load ends it cleanly, too
        worker = bootstrap.worker_for(bootstrap.installation_for(settings))
        worker.run(stop, max_seconds=max_seconds, once=once)


@click.command()
@click.option("--camera", metavar="SRC", help="As for daemon.")
@click.option("--port", type=int, help="Port of the admin site.")
@click.pass_context
def run(context: click.Context, camera: str | None, port: int | None) -> None:
    """Run admin site and daemon together; ctrl-c ends both."""
    settings = settings_of(context, {"web.port": port})  # mistakes show here, once, and not in two programs
    common = arguments_of(context)
    site = [*common, "web", "--port", str(settings.web.port)]
    watch = [*common, "daemon", *(["--camera", camera] if camera else [])]
    stop = threading.Event()
    with stop_on_signals(stop):
        code = run_together([own_command(*site), own_command(*watch)], stop)
    if code:
        click.echo(f"one of the two ended, so both were; for the admin site alone: {script_name()} web", err=True)
        context.exit(code)
