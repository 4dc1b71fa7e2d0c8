"""The sections of the settings: every key with its type, bounds and default.

In: values of any origin.  Out: frozen `Settings`; a pydantic error for a value that cannot be.
Does not know: files, the environment, flags (`config.py` reads them).
Main choice: bounds are here and nowhere else, so that every program refuses the same values.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from attendance import paths


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read true as 1
        raise ValueError("true and false are not numbers")
    return value


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _table(value: Any) -> Any:
    """Read a table from the environment or a file, where it is JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError('must be a table such as {address = "192.168.1.40"}, or JSON where it is a text') from error


Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool)]
# A pattern instead of stripping: what was written is what is used.
Name = Annotated[str, Field(pattern=r"^\S(.{0,98}\S)?$")]
ADDRESSES = r"^(\s*[^@\s,]+@[^@\s,]+\s*(,|$))*$"  # of mail, separated by commas
ModelId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


def _secret(default: Any, **constraints: Any) -> Any:
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


class Liveness(Section):
    policy: Literal["auto", "off", "watch", "challenge", "step_up", "refuse"] = "auto"
    cameras: str = Field("", pattern=r"^(\s*[^=,]+=\s*(auto|off|watch|challenge|step_up|refuse)\s*(,|$))*$")
    looks: Whole = Field(3, ge=1, le=10)
    every: Whole = Field(3, ge=1, le=30)
    wait_s: Number = Field(2.0, ge=0, le=10)
    challenge_steps: Whole = Field(2, ge=2, le=4)
    challenge_s: Number = Field(12.0, ge=5, le=60)

    def policy_at(self, camera: str) -> str:
        """Return what was chosen for a camera, else for all; "auto" depends on the drills there."""
        return self.own_policies.get(camera, self.policy)

    @property
    def own_policies(self) -> dict[str, str]:
        """Return what was chosen for single cameras and tablets, by their name."""
        pairs = (part.split("=", 1) for part in self.cameras.split(",") if part.strip())
        return {name.strip(): policy.strip() for name, policy in pairs}


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
    detector: ModelId = "yolo-effb0-256-v8"
    recogniser: ModelId = "arcface-effb0-v8"
    liveness: str = Field("liveness-effb0-v1", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$")
    runtime: Literal["auto", "onnxruntime", "openvino", "torch"] = "auto"
    threads: Whole = Field(0, ge=0, le=256)
    flip: bool = True

    @property
    def weights(self) -> Path:
        """Return the folder; an absolute one if the settings were loaded from a file."""
        return Path(self.weights_dir) if self.weights_dir else paths.weights_dir()


class Detector(Section):
    input_size: Whole = Field(256, ge=64, le=2048, multiple_of=32)
    confidence: Number = Field(0.58, gt=0, lt=1)
    max_faces: Whole = Field(5, ge=1, le=100)
    follow: bool = True


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
    refused_attempts: Whole = Field(5, ge=0, le=100)
    refused_within_s: Number = Field(300.0, gt=0, le=86400)


class Calibration(Section):
    risk: Number = Field(1000.0, ge=2, le=10_000_000)
    passages_days: Whole = Field(0, ge=0, le=365)
    tighten: bool = True


class Growth(Section):
    enabled: bool = False
    quarantine_days: Number = Field(7.0, ge=1, le=90)
    most: Whole = Field(2, ge=1, le=5)
    looks_at_once: Whole = Field(1, ge=1, le=2)
    every_hours: Number = Field(24.0, ge=12, le=8760)


class CameraSettings(Section):
    name: Name = "entrance"
    source: Annotated[str, BeforeValidator(_text)] = _secret("0", min_length=1)
    direction: Literal["in", "out", "unknown"] = "in"
    open_timeout_s: Number = Field(10.0, gt=0, le=300)
    read_timeout_s: Number = Field(5.0, gt=0, le=300)
    reconnect_min_s: Number = Field(1.0, gt=0, le=3600)
    reconnect_max_s: Number = Field(30.0, gt=0, le=3600)
    max_fps: Number = Field(15.0, gt=0, le=240)
    rotate: Literal[0, 90, 180, 270] = 0

    @model_validator(mode="after")
    def _backing_off_grows(self) -> CameraSettings:
        if self.reconnect_min_s > self.reconnect_max_s:
            raise ValueError("reconnect_min_s must not be above reconnect_max_s")
        return self


class DoorSettings(Section):
    driver: Name = "null"
    name: Name = "door"
    unlock_s: Number = Field(3.0, gt=0, le=60)
    settings: Annotated[dict[str, Any], BeforeValidator(_table)] = _secret({})


class Web(Section):
    host: Name = "127.0.0.1"
    port: Whole = Field(8000, ge=1, le=65535)
    session_hours: Number = Field(8.0, gt=0, le=720)
    idle_minutes: Number = Field(60.0, ge=1, le=1440)
    second_factor: Literal["optional", "administrators", "everybody"] = "optional"
    proof_minutes: Number = Field(10.0, ge=1, le=1440)
    max_upload_mb: Whole = Field(25, ge=1, le=25)
    secret_key: str = _secret("", pattern=r"^(.{32,})?$")
    https_only: bool = False
    public_url: str = Field("", pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+)?$")
    trusted_proxies: Whole = Field(0, ge=0, le=10)
    max_connections: Whole = Field(400, ge=50, le=900)
    max_connections_per_address: Whole = Field(64, ge=8, le=900)


class Kiosk(Section):
    max_fps: Number = Field(4.0, gt=0, le=30)
    window_s: Number = Field(4.0, gt=0, le=60)
    max_streams: Whole = Field(4, ge=0, le=64)
    late_after_min: Number = Field(15.0, ge=1, le=10_080)


class Mail(Section):
    host: str = Field("", pattern=r"^\S{0,253}$")
    port: Whole = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = _secret("")
    sender: str = Field("attendance@localhost", pattern=r"^[^@\s]+@[^@\s]+$")
    to: str = Field("", pattern=ADDRESSES)


class Retention(Section):
    strangers_days: Whole = Field(30, ge=0, le=36500)
    refusals_days: Whole = Field(90, ge=0, le=36500)
    passages_days: Whole = Field(0, ge=0, le=36500)
    audit_days: Whole = Field(730, ge=0, le=36500)
    leavers_days: Whole = Field(90, ge=0, le=36500)
    visitors_days: Whole = Field(30, ge=0, le=36500)

    @field_validator("passages_days")
    @classmethod
    def _long_enough_for_open_periods(cls, value: int) -> int:
        if 0 < value < 120:
            raise ValueError("must be 0, or at least 120: reports of the last months are computed from passages")
        return value


class Hours(Section):
    double_punch_s: Whole = Field(120, ge=0, le=3600)


class Backup(Section):
    folder: str = "var/backups"
    every_hours: Number = Field(24.0, ge=0, le=8760)
    keep_days: Whole = Field(30, ge=1, le=3650)
    key_folder: str = "var/key-backups"
    key_days: Whole = Field(7, ge=1, le=3650)

    @model_validator(mode="after")
    def _keys_lie_apart(self) -> Backup:
        if self.folder and self.folder == self.key_folder:
            raise ValueError("key_folder must be another folder than folder: the keys open what is in the backups")
        return self


class Privacy(Section):
    ledger: str = ""


class Logs(Section):
    format: Literal["text", "json"] = "text"
    folder: str = ""
    max_mb: Whole = Field(10, ge=1, le=10_000)
    keep: Whole = Field(5, ge=1, le=1000)


class Alarms(Section):
    mail_to: str = Field("", pattern=ADDRESSES)
    webhook_url: str = _secret("", pattern=r"^(https?://\S+)?$")
    webhook_secret: str = _secret("", pattern=r"^(whsec_[A-Za-z0-9+/=]{32,})?$")
    camera_after_s: Number = Field(60.0, ge=15, le=86400)
    disk_free_mb: Whole = Field(500, ge=0, le=1_000_000)
    escalate_after_min: Number = Field(30.0, ge=0, le=10_080)
    escalate_to: str = Field("", pattern=ADDRESSES)

    @model_validator(mode="after")
    def _webhooks_are_signed(self) -> Alarms:
        if self.webhook_url and not self.webhook_secret:
            raise ValueError("webhook_url needs a webhook_secret, by which the receiver knows the sender")
        return self


class Metrics(Section):
    host: Name = "127.0.0.1"
    web_port: Whole = Field(0, ge=0, le=65535)
    daemon_port: Whole = Field(0, ge=0, le=65535)


class MqttSettings(Section):
    host: str = Field("", pattern=r"^[A-Za-z0-9._:-]{0,253}$")
    port: Whole = Field(1883, ge=1, le=65535)
    tls: bool = False
    user: str = ""
    password: str = _secret("")
    prefix: str = Field("attendance", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=100)
    discovery: str = Field("homeassistant", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=100)
    names: bool = False
    commands: bool = False


class Oidc(Section):
    """Signing in at an OpenID Connect provider; an empty issuer: with a password only."""

    issuer: str = Field("", pattern=r"^(https://[^\s?#]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/[^\s?#]*)?)?$")
    client_id: str = Field("", max_length=200)
    client_secret: str = _secret("")
    name: Name = "single sign-on"
    scopes: str = Field("openid profile email", pattern=r"^(.* )?openid( .*)?$")
    username_claim: str = Field("preferred_username", min_length=1, max_length=100)
    roles_claim: str = Field("groups", min_length=1, max_length=100)
    roles: str = Field("", pattern=r"^(\s*[^=,]+=\s*[a-z_]+\s*(,|$))*$")
    departments_claim: str = Field("", max_length=100)

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Oidc:
        if self.issuer and not (self.client_id and self.roles):
            raise ValueError("issuer needs a client_id, and roles: without them nobody gets in")
        return self

    def role_map(self) -> list[tuple[str, str]]:
        """Return (value of the claim, role) in the order of the settings: the first that fits counts."""
        pairs = [pair.rpartition("=") for pair in self.roles.split(",") if "=" in pair]
        return [(value.strip(), role.strip()) for value, _equals, role in pairs]

    def shown_name(self) -> str:
        """Return the provider's name for pages, "" if there is none."""
        return self.name if self.issuer else ""


class Settings(Section):
    """All sections.  `base_dir`: the folder at which relative paths start; no setting of its own."""

    site: Site = Site()
    database: Database = Database()
    models: Models = Models()
    detector: Detector = Detector()
    quality: Quality = Quality()
    motion: Motion = Motion()
    decision: Decision = Decision()
    liveness: Liveness = Liveness()
    calibration: Calibration = Calibration()
    growth: Growth = Growth()
    camera: CameraSettings = CameraSettings()
    door: DoorSettings = DoorSettings()
    web: Web = Web()
    oidc: Oidc = Oidc()
    kiosk: Kiosk = Kiosk()
    mail: Mail = Mail()
    hours: Hours = Hours()
    retention: Retention = Retention()
    backup: Backup = Backup()
    privacy: Privacy = Privacy()
    logs: Logs = Logs()
    alarms: Alarms = Alarms()
    metrics: Metrics = Metrics()
    mqtt: MqttSettings = MqttSettings()
    base_dir: Path = Path()
