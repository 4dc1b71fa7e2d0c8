"""The command line: `python manage.py …`, the same as the console script `attendance`.

In: arguments.  Out: text on stdout, errors on stderr; exit code 2 with one line for a UserError.
Does not know: how anything is done; it wires, prints and returns.
Main choice: everything heavy is imported inside the command that needs it, so that `--help` and
`config check` answer at once and nothing but the training commands ever loads PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from attendance import config
from attendance.cli.acceptance import acceptance
from attendance.cli.access import access, door, events
from attendance.cli.calibration import calibrate, evaluate_calibration
from attendance.cli.command_line import Commands, settings_of, warn_of_secrets
from attendance.cli.enrolment import enrol, enrol_bulk
from attendance.cli.evaluate import evaluate
from attendance.cli.hours import check_ins, demo_data, import_check_ins, roll_up
from attendance.cli.networks import export, live, quantise, train
from attendance.cli.operations import first_steps
from attendance.cli.operations.backup import backup, restore
from attendance.cli.operations.cameras import camera
from attendance.cli.operations.liveness import liveness
from attendance.cli.operations.log_output import log_to_stderr
from attendance.cli.operations.programs import daemon, run, web
from attendance.cli.operations.security import security
from attendance.cli.operations.upkeep import clock_confirm, doctor, install_service
from attendance.cli.operators import operators
from attendance.cli.people import people
from attendance.cli.privacy.audit import audit
from attendance.cli.privacy.privacy import privacy
from attendance.cli.weights import weights
from attendance.errors import UserError

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", "file", type=click.Path(path_type=Path), help="Settings file; else ./config.toml.")
@click.option("--set", "changes", multiple=True, metavar="SECTION.KEY=VALUE", help="Set one value; repeatable.")
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Form of log lines; else logs.format.")
@click.version_option(package_name="attendance")
@click.pass_context
def main(
    context: click.Context, file: Path | None, changes: Sequence[str], verbose: bool, log_format: str | None
) -> None:
    """Face recognition at a door: access and attendance, on one computer, offline.

    First steps: init, then run, then open the address that init prints.
    """
    os.umask(0o077)  # whatever a program writes here is about people, or opens something
    log_to_stderr(verbose, log_format)
    overrides = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise UserError(f"--set {change}: write it as section.key=value")
        overrides[name.strip()] = value
    warn_of_secrets(name for name in overrides if name not in ("camera.source", "database.url"))
    context.obj = {"file": file, "overrides": overrides, "verbose": verbose, "log_format": log_format}


@main.command()
@click.pass_context
def init(context: click.Context) -> None:
    """Make the settings file and the database, and print the one-time token of the first login."""
    first_steps.set_up(context)


@main.group()
def db() -> None:
    """Upgrade or check the database."""


@db.command("upgrade")
@click.pass_context
def db_upgrade(context: click.Context) -> None:
    """Make the database, or bring an older one up to date."""
    from attendance.store import migrate
    from attendance.store.operations import scrub
    from attendance.store.session import make_engine, schema_state, shown_url

    engine = make_engine(settings_of(context).database.url)
    before = schema_state(engine)
    migrate.upgrade(engine)
    scrub.prepare(engine)
    click.echo(f"{shown_url(engine)}: was {before}, is {schema_state(engine)}")


@db.command("status")
@click.pass_context
def db_status(context: click.Context) -> None:
    """Say whether the database fits this version; exit code 2 when it does not."""
    from attendance.store import migrate
    from attendance.store.session import make_engine, require_current, shown_url

    engine = make_engine(settings_of(context).database.url)
    require_current(engine)
    click.echo(f"{shown_url(engine)}: current (revision {migrate.head()})")


@main.group("config")
def config_group() -> None:
    """Check the settings."""


@config_group.command("check")
@click.pass_context
def config_check(context: click.Context) -> None:
    """Print every value in force and where it comes from; passwords are hidden."""
    loaded = config.load(context.obj["file"], context.obj["overrides"])
    rows = [(name, config.shown(loaded.settings, name)) for name, _ in config.fields()]
    wide = max(len(name) for name, _ in rows), min(50, max(len(value) for _, value in rows))
    for name, value in rows:
        click.echo(f"{name:<{wide[0]}}  {value:<{wide[1]}}  {loaded.origins.get(name, 'default')}")


@main.command()
@click.option("--out", "out_dir", type=_FOLDER, default=Path("var/demo"), show_default=True, help="Where to write.")
def demo(out_dir: Path) -> None:
    """Show everything without a camera: enrol, watch a video, recognise, refuse (extra: demo).

    The demo writes its own database, settings and videos.
    """
    from attendance.programs.demo import run_demo

    run_demo(out_dir)


@main.command()
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=10.0, show_default=True, help="How long to measure each runtime."
)
@click.option("--json", "json_file", type=_FILE, help="Also write the numbers to this JSON file.")
@click.option(
    "--peers",
    type=click.Path(path_type=Path),
    multiple=True,
    help="YuNet or SCRFD as ONNX file, or a folder with them, and with a recogniser of 112 px crops.",
)
@click.pass_context
def bench(context: click.Context, seconds: float, json_file: Path | None, peers: Sequence[Path]) -> None:
    """Measure frames a second and the time of each stage on a 720p video with one face (extra: demo).

    All installed runtimes, and other detectors (--peers; extra: train), take turns in one run.
    """
    from attendance.programs.bench import run_bench

    run_bench(settings_of(context), seconds=seconds, json_file=json_file, peers=peers)


def _add_all(group: Any, *commands: click.Command) -> None:
    for command in commands:
        group.add_command(command)


_add_all(main, web, daemon, run, camera, backup, restore, doctor, install_service, clock_confirm, security)
_add_all(
    main, enrol, enrol_bulk, people, events, access, door, operators, weights, train, export, quantise, evaluate, live
)
_add_all(main, privacy, audit, demo_data, roll_up, check_ins, import_check_ins, calibrate, acceptance, liveness)
_add_all(evaluate, evaluate_calibration)
