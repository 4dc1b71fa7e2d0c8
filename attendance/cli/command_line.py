"""What all commands share: the one-line error, the settings and the global options of this call.

In: click's context, filled by `cli.main`.  Out: `Settings`; exit code 2 for a UserError.
Does not know: any command.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import click

from attendance import config
from attendance.config import Settings, load_settings
from attendance.config_sources import ENV_PREFIX
from attendance.errors import UserError, one_line

log = logging.getLogger(__name__)


class Commands(click.Group):
    """A group whose commands end with `error: …` and exit code 2 if the user can correct the mistake."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:  # an option before the command
            raise _in_one_line(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"error: {one_line(error)}", err=True)
            ctx.exit(2)
        except click.UsageError as error:
            raise _in_one_line(error) from error


class _OneLine(click.ClickException):
    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"error: {self.format_message()}", file=file, err=True)


def _in_one_line(error: click.UsageError) -> click.ClickException:
    """Return click's message on a wrong option or argument, without the lines around it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error
    message = one_line(error.format_message()).rstrip(".")
    path = "" if error.ctx is None else f"; see {error.ctx.command_path} --help"
    return _OneLine(f"{message[:1].lower()}{message[1:]}{path}")


def settings_of(context: click.Context, flags: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings with `--set` and then this command's own flags on top; a flag of None sets nothing."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    return load_settings(context.obj["file"], {**context.obj["overrides"], **given})


def environ_of(context: click.Context, flags: Mapping[str, Any] | None = None) -> dict[str, str | None]:
    """Return what `--set` and this command's flags set, as variables of a child process: its arguments are public.

    None for a variable that would set the same thing.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    found: dict[str, str | None] = {}
    for name, value in {**context.obj["overrides"], **given}.items():
        variable = ENV_PREFIX + name.upper().replace(".", "__")
        found |= {other: None for other in os.environ if other.upper() in (variable, f"{variable}_FILE")}
        found[variable] = str(value)
    return found


def warn_of_secrets(named: Iterable[str]) -> None:
    """Warn if a secret setting was given on the command line."""
    known = {name: config.is_secret(field) for name, field in config.fields()}
    for name in named:
        if known.get(name):
            log.warning(
                "%s was given on the command line, which every user of this computer can read: "
                "set it in config.toml or by the variable %s%s",
                name, ENV_PREFIX, name.upper().replace(".", "__"),
            )  # fmt: skip


def arguments_of(context: click.Context) -> list[str]:
    """Return the global options of this call, for a child process; its settings are in `environ_of`."""
    arguments: list[str] = []
    if context.obj["file"] is not None:
        arguments += ["--config", str(context.obj["file"])]
    if context.obj["log_format"] is not None:
        arguments += ["--log-format", context.obj["log_format"]]
    return [*arguments, "--verbose"] if context.obj["verbose"] else arguments


def own_zone(environ: Mapping[str, str] | None = None, etc: Path = Path("/etc")) -> str:
    """Return the computer's time zone by its IANA name; "UTC" if it has none that Python knows."""
    given = [(os.environ if environ is None else environ).get("TZ", "").lstrip(":")]
    with suppress(OSError, UnicodeDecodeError):
        given.append((etc / "timezone").read_text(encoding="utf-8").strip())
    with suppress(OSError):
        given.append(str((etc / "localtime").resolve()).rpartition("zoneinfo/")[2])
    known = available_timezones()
    zone = next((name for name in given if name in known), "UTC")
    return "UTC" if zone in ("Etc/UTC", "Etc/UCT", "Zulu", "UCT") else zone


def read_photo(path: Path) -> bytes:
    """Read a file; raise UserError if that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def whole_source(source: str) -> str:
    """Return where a camera's pictures come from: a file or folder by its whole path, an address as it is."""
    from attendance.service.cameras import addresses

    return addresses.whole(source)
