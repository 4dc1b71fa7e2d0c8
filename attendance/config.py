"""Typed, frozen settings from config.toml, the environment and flags.

In: a TOML file < ATTENDANCE__SECTION__KEY < overrides.  Out: `Settings`; where each value came from.
Does not know: what a setting does; it only refuses what cannot be.
Main choice: read whole at the start and never again, so that a running program has one truth.
Trade-off: a restart after an edit (what must change while running, such as the threshold, is in the database).
Reading is done here and not by pydantic-settings: see docs/decisions/0002.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from attendance import paths
from attendance.config_sections import Alarms as Alarms
from attendance.config_sections import Backup, Database, Section
from attendance.config_sections import CameraSettings as CameraSettings
from attendance.config_sections import DoorSettings as DoorSettings
from attendance.config_sections import Logs as Logs
from attendance.config_sections import Mail as Mail
from attendance.config_sections import MqttSettings as MqttSettings
from attendance.config_sections import Oidc as Oidc
from attendance.config_sections import Quality as Quality
from attendance.config_sections import Settings as Settings
from attendance.config_sources import allowed, environment, flat, read_toml, toml
from attendance.deprecation import warn_renamed
from attendance.errors import UserError, shown_secret, without_secrets


@dataclass(frozen=True, slots=True)
class Loaded:
    """`origins`: "section.key" → the file, variable or flag that set it; the rest are defaults."""

    settings: Settings
    file: Path
    origins: Mapping[str, str]


def load_settings(
    path: Path | None = None, overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings; UserError in one line for a missing file, an unknown key or an impossible value.

    `path`: else $ATTENDANCE_CONFIG, ./config.toml, the packaged file.  `overrides`: values by
    "section.key", or by section and key.
    """
    return load(path, overrides, environ).settings


def load(
    path: Path | None = None, overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Loaded:
    """Return the settings with the origin of each value; else like `load_settings`."""
    environ = os.environ if environ is None else environ
    file = find_config(path, environ)
    values: dict[str, tuple[Any, str]] = {}
    values.update({name: (value, str(file)) for name, value in flat(read_toml(file), str(file), _sections())})
    values.update(environment(environ, {name: is_secret(field) for name, field in fields()}))
    values.update({name: (value, "flag") for name, value in flat(overrides or {}, "flag", _sections())})
    values = _current_names(values)
    for name, (_, origin) in values.items():
        _require_known(name, origin)
    base = _base_dir(file)
    nested: dict[str, Any] = {"base_dir": base}
    for name, (value, _) in values.items():
        section, key = name.split(".")
        nested.setdefault(section, {})[key] = value
    # The defaults of paths are relative to the file, too.
    nested.setdefault("database", {}).setdefault("url", Database().url)
    nested.setdefault("backup", {}).setdefault("folder", Backup().folder)
    nested["backup"].setdefault("key_folder", Backup().key_folder)
    origins = {name: origin for name, (_, origin) in values.items()}
    for section, key, resolve in _PATHS:
        if isinstance(text := nested.get(section, {}).get(key), str):
            nested[section][key] = resolve(text, base)
    try:
        return Loaded(Settings.model_validate(nested), file, origins)
    except ValidationError as error:
        raise UserError(_one_line(error, values, str(file))) from None


def find_config(path: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the file in force; UserError if a named file is missing."""
    named, how = (path, "--config") if path is not None else (environ.get("ATTENDANCE_CONFIG"), "$ATTENDANCE_CONFIG")
    if named:
        file = Path(named)
        if not file.is_file():
            raise UserError(f"{how}: there is no file {file}; make one with: python manage.py --config {file} init")
        return file.resolve()
    here = Path("config.toml")
    return here.resolve() if here.is_file() else paths.default_config()


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting as ("section.key", field), in the order of the file."""
    for section, outer in Settings.model_fields.items():
        if isinstance(outer.annotation, type) and issubclass(outer.annotation, Section):
            for key, field in outer.annotation.model_fields.items():
                yield f"{section}.{key}", field


def is_secret(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("secret"))


def shown(settings: Settings, name: str) -> str:
    """Return a value as it may be printed: TOML, without passwords."""
    section, key = name.split(".")
    value = getattr(getattr(settings, section), key)
    if name == "web.secret_key":
        return "(set)" if value else "(derived from the master key)"
    if name == "door.settings":  # passwords and addresses with keys in them may be among them
        return toml(dict.fromkeys(value, "…"))
    if is_secret(dict(fields())[name]):
        return shown_secret(value)
    return without_secrets(toml(value)) if isinstance(value, str) and "://" in value else toml(value)


def _base_dir(file: Path) -> Path:
    # Inside an installed wheel nothing may be written: without a file of their own, people work where they are.
    return Path.cwd() if file.parent.name == "_data" and file == paths.default_config() else file.parent


# Old name → new name; the old one is accepted with a warning.
RENAMED = {"decision.still_face_s": "decision.static_detection_s"}


def _current_names(given: Mapping[str, tuple[Any, str]]) -> dict[str, tuple[Any, str]]:
    """Return the values under their current names; a new name overrides the old one beside it."""
    current = {name: value for name, value in given.items() if name not in RENAMED}
    for old in given.keys() & RENAMED.keys():
        warn_renamed(given[old][1], old, RENAMED[old])
        current.setdefault(RENAMED[old], given[old])
    return current


def _require_known(name: str, origin: str) -> None:
    known = [each for each, _ in fields()]
    if name in known:
        return
    section, _, key = name.partition(".")
    if section not in Settings.model_fields:
        raise UserError(f"{origin}: there is no section {section}; sections are {_sections()}")
    near = difflib.get_close_matches(name, known, n=1)
    keys = ", ".join(each.split(".")[1] for each in known if each.startswith(section + "."))
    hint = f"did you mean {near[0]}?" if near else f"{section} has {keys}"
    raise UserError(f"{origin}: there is no setting {section}.{key}; {hint}")


def _sections() -> str:
    return ", ".join(dict.fromkeys(name.split(".")[0] for name, _ in fields()))


_PATHS = (
    ("database", "url", paths.resolved_url),
    ("models", "weights_dir", paths.resolved_folder),
    ("camera", "source", paths.resolved_source),
    ("backup", "folder", paths.resolved_folder),
    ("backup", "key_folder", paths.resolved_folder),
    ("privacy", "ledger", paths.resolved_folder),
    ("logs", "folder", paths.resolved_folder),
)


def _one_line(error: ValidationError, values: Mapping[str, tuple[Any, str]], file: str) -> str:
    """Return the first mistake: its place, the value found, and what is allowed."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    own = str(first["ctx"]["error"]) if first["type"] == "value_error" else ""
    if "." not in name:  # two values that do not go together
        return f"{file}: {name}: {own or first['msg']}"
    value, origin = values.get(name, (first["input"], file))
    field = dict(fields())[name]
    found = without_secrets(toml(value)) if isinstance(value, str) and "://" in value else toml(value)
    hidden = is_secret(field) and name not in ("database.url", "camera.source")
    if hidden or name == "door.settings":
        found = "a value"
    return f"{origin}: {name} is {found}, but {own if own.startswith('must') else 'must be ' + allowed(field)}"
