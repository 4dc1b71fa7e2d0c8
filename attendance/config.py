"""Typed, frozen settings from config.toml, the environment and flags.

In: a TOML file < ATTENDANCE__SECTION__KEY < overrides.  Out: `Settings`; where each value came from.
Does not know: what a setting does; it only refuses what cannot be.
Main choice: read whole at the start and never again, so that a running program has one truth; the
price is a restart after an edit (what must change while running, such as the threshold, is in the
database).  Reading is done here and not by pydantic-settings: see docs/decisions/0002.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from attendance import paths
from attendance.config_sources import environment, flat, read_toml
from attendance.config_words import allowed, toml
from attendance.deprecation import warn_renamed
from attendance.errors import UserError


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read true as 1
        raise ValueError("true and false are not numbers")
    return value


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool)]
# A pattern instead of stripping: what was written is what is used.
Name = Annotated[str, Field(pattern=r"^\S(.{0,98}\S)?$")]
ModelId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


def _secret(default: str, **constraints: Any) -> Any:
    """Return a field that `_FILE` may fill, and that is never printed whole."""
    return Field(default, repr=False, json_schema_extra={"secret": True}, **constraints)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class Site(Section):
    name: Name = "Attendance"
    timezone: str = "UTC"
    locale: str = "en_GB"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError) as error:  # not known; a folder of zones; no name at all
            raise ValueError('must be an IANA time zone such as "Europe/Berlin"') from error
        return value

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        try:
            Locale.parse(value)
        except (UnknownLocaleError, ValueError) as error:
            raise ValueError('must be a locale such as "en_GB" or "de_DE"') from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Database(Section):
    url: str = _secret("sqlite:///var/attendance.db")

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if not re.match(r"^[A-Za-z][A-Za-z0-9+_]*:(//|$)", value) or value.rstrip("/") in ("sqlite:", ""):
            raise ValueError('must be a database URL such as "sqlite:///var/attendance.db"')
        return value


class Models(Section):
    weights_dir: str = ""
    detector: ModelId = "yolo-effb0-256-v6"
    recogniser: ModelId = "arcface-effb0-v6"
    runtime: Literal["onnxruntime", "openvino", "torch"] = "onnxruntime"
    threads: Whole = Field(0, ge=0, le=256)
    flip: bool = True

    @property
    def weights(self) -> Path:
        """Return the folder; an absolute one if the settings were loaded from a file."""
        return Path(self.weights_dir) if self.weights_dir else paths.weights_dir()


class Detector(Section):
    input_size: Whole = Field(256, ge=64, le=2048, multiple_of=32)
    confidence: Number = Field(0.55, gt=0, lt=1)
    max_faces: Whole = Field(5, ge=1, le=100)


class Quality(Section):
    min_size: Number = Field(40.0, ge=8, le=2000)
    min_sharpness: Number = Field(12.0, ge=0)
    min_brightness: Number = Field(40.0, ge=0, le=255)
    max_brightness: Number = Field(225.0, ge=0, le=255)
    min_contrast: Number = Field(8.0, ge=0, le=127)
    max_yaw: Number = Field(0.6, gt=0, le=5)
    min_visible: Number = Field(0.9, gt=0, le=1)
    max_roll: Number = Field(45.0, gt=0, le=180)
    max_pitch: Number = Field(0.35, gt=0, le=10)
    min_uncovered: Number = Field(0.15, ge=0, le=1)

    @model_validator(mode="after")
    def _some_brightness_is_left(self) -> Quality:
        if self.min_brightness >= self.max_brightness:
            raise ValueError("min_brightness must be below max_brightness")
        return self


class Motion(Section):
    enabled: bool = True
    threshold: Number = Field(8.0, gt=0, le=255)
    hold_s: Number = Field(2.0, ge=0, le=3600)
    look_every_s: Number = Field(0.5, gt=0, le=60)


class Decision(Section):
    frames_needed: Whole = Field(3, ge=1, le=30)
    window_s: Number = Field(2.0, gt=0, le=60)
    settle_denial_s: Number = Field(1.5, ge=0, le=60)
    forget_s: Number = Field(2.0, gt=0, le=60)
    margin: Number = Field(0.05, ge=0, le=1)
    cooldown_s: Number = Field(30.0, ge=0, le=86400)
    static_detection_s: Number = Field(3600.0, ge=0, le=86400)


class Calibration(Section):
    risk: Number = Field(1000.0, ge=2, le=10_000_000)
    passages_days: Whole = Field(0, ge=0, le=365)
    tighten: bool = True


class CameraSettings(Section):
    name: Name = "entrance"
    source: Annotated[str, BeforeValidator(_text)] = _secret("0", min_length=1)
    direction: Literal["in", "out", "unknown"] = "in"
    open_timeout_s: Number = Field(10.0, gt=0, le=300)
    read_timeout_s: Number = Field(5.0, gt=0, le=300)
    reconnect_min_s: Number = Field(1.0, gt=0, le=3600)
    reconnect_max_s: Number = Field(30.0, gt=0, le=3600)
    max_fps: Number = Field(15.0, gt=0, le=240)

    @model_validator(mode="after")
    def _backing_off_grows(self) -> CameraSettings:
        if self.reconnect_min_s > self.reconnect_max_s:
            raise ValueError("reconnect_min_s must not be above reconnect_max_s")
        return self


class DoorSettings(Section):
    driver: Name = "null"
    name: Name = "door"
    unlock_s: Number = Field(3.0, gt=0, le=60)


class Web(Section):
    host: Name = "127.0.0.1"
    port: Whole = Field(8000, ge=1, le=65535)
    session_hours: Number = Field(8.0, gt=0, le=720)
    max_upload_mb: Whole = Field(25, ge=1, le=25)
    secret_key: str = _secret("", pattern=r"^(.{32,})?$")
    https_only: bool = False
    trusted_proxies: Whole = Field(0, ge=0, le=10)


class Kiosk(Section):
    max_fps: Number = Field(4.0, gt=0, le=30)
    window_s: Number = Field(4.0, gt=0, le=60)
    max_streams: Whole = Field(4, ge=0, le=64)


class Mail(Section):
    host: str = Field("", pattern=r"^\S{0,253}$")
    port: Whole = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = _secret("")
    sender: str = Field("attendance@localhost", pattern=r"^[^@\s]+@[^@\s]+$")
    to: str = Field("", pattern=r"^(\s*[^@\s,]+@[^@\s,]+\s*(,|$))*$")


class Retention(Section):
    strangers_days: Whole = Field(30, ge=0, le=36500)
    passages_days: Whole = Field(0, ge=0, le=36500)

    @field_validator("passages_days")
    @classmethod
    def _long_enough_for_open_periods(cls, value: int) -> int:
        if 0 < value < 120:
            raise ValueError("must be 0, or at least 120: reports of the last months are computed from passages")
        return value


class Settings(Section):
    """All sections.  `base_dir`: the folder at which relative paths start; no setting of its own."""

    site: Site = Site()
    database: Database = Database()
    models: Models = Models()
    detector: Detector = Detector()
    quality: Quality = Quality()
    motion: Motion = Motion()
    decision: Decision = Decision()
    calibration: Calibration = Calibration()
    camera: CameraSettings = CameraSettings()
    door: DoorSettings = DoorSettings()
    web: Web = Web()
    kiosk: Kiosk = Kiosk()
    mail: Mail = Mail()
    retention: Retention = Retention()
    base_dir: Path = Path()


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
    return re.sub(r"//[^/@\s]*@", "//…@", toml(value))


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
    found = "a value" if name == "web.secret_key" else re.sub(r"//[^/@\s]*@", "//…@", toml(value))
    return f"{origin}: {name} is {found}, but {own if own.startswith('must') else 'must be ' + allowed(field)}"
