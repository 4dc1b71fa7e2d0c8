"""Every door driver's settings: names, bounds, which are secret.

In: a driver's name and values of any origin.  Out: frozen settings; UserError that says what is wrong.
Does not know: any device, where the values are kept.
Main choice: the table is here and not beside the drivers, so that pages and commands check a door without loading what
drives it; a test compares it with the drivers.

To add a driver: a class here and in DRIVERS, and the class that moves the door in `daemon/doors/drivers.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from attendance.errors import UserError
from attendance.texts import N_

ADDRESS = r"^(https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(:[0-9]{1,5})?$"
URL = r"^https?://[^\s/@]+(/\S*)?$"
LINE = r"^[^\x00-\x1f\x7f]*$"
TOPIC = r"^[^\x00-\x1f\x7f#+]{1,200}$"
FINGERPRINT = r"^([0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31})?$"
Means = Literal["none", "closed", "open"]


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read true as 1
        raise ValueError("must be a number, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(_no_bool)]


def _secret(default: Any = "", **constraints: Any) -> Any:
    return Field(default, repr=False, json_schema_extra={"secret": True}, **constraints)


class DriverSettings(BaseModel):
    """`title`: the device, as pages name it; they translate it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    title: ClassVar[str] = ""

    @property
    def host_ends_pulse(self) -> bool:
        """Return whether this computer must end each pulse, because the device does not."""
        return False


class Null(DriverSettings):
    title = N_("None (logs only)")


class _Wired(DriverSettings):
    """`contact`: what the door is while its input is on.  Inputs of -1: not wired."""

    contact: Means = "none"
    contact_input: Whole = Field(0, ge=0, le=255)
    exit_input: Whole = Field(-1, ge=-1, le=255)
    tamper_input: Whole = Field(-1, ge=-1, le=255)
    fire_input: Whole = Field(-1, ge=-1, le=255)


class _Reached(_Wired):
    address: str = Field(pattern=ADDRESS)


class Shelly(_Reached):
    title = N_("Shelly, generation 2 and newer")
    password: str = _secret(pattern=LINE)
    relay: Whole = Field(0, ge=0, le=15)
    fingerprint: str = Field("", pattern=FINGERPRINT)


class ShellyGen1(_Reached):
    title = N_("Shelly, generation 1")
    user: str = Field("admin", pattern=LINE)
    password: str = _secret(pattern=LINE)
    relay: Whole = Field(0, ge=0, le=15)


class Tasmota(_Reached):
    """`pulse`: "timed_power" (firmware from 14 on), or "pulse_time" for older ones."""

    title = N_("Tasmota")
    user: str = Field("admin", pattern=LINE)
    password: str = _secret(pattern=LINE)
    relay: Whole = Field(1, ge=1, le=32)
    pulse: Literal["timed_power", "pulse_time"] = "timed_power"


class Esphome(DriverSettings):
    """`entity`: "button/…" or "lock/…", whose firmware ends the pulse, or "switch/…", which this computer ends."""

    title = N_("ESPHome")
    address: str = Field(pattern=ADDRESS)
    user: str = Field("admin", pattern=LINE)
    password: str = _secret(pattern=LINE)
    entity: str = Field(pattern=r"^(button|lock|switch)/[A-Za-z0-9_ .-]{1,100}$")
    contact: Means = "none"
    contact_sensor: str = Field("", pattern=r"^[A-Za-z0-9_ .-]{0,100}$")
    exit_sensor: str = Field("", pattern=r"^[A-Za-z0-9_ .-]{0,100}$")

    @property
    def host_ends_pulse(self) -> bool:
        return self.entity.startswith("switch/")


class Http(DriverSettings):
    """Any device with an HTTP call that opens.  `off_url`: set if the device does not end the pulse itself.

    `expect_path`: a path into the JSON of the reply, such as "result.code"; what is there must be `expect_value`.
    """

    title = N_("Any device by HTTP")
    url: str = _secret(..., pattern=URL)
    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    headers: dict[str, str] = Field({})
    body: str = Field("", max_length=10_000)
    auth: Literal["none", "basic", "digest", "bearer"] = "none"
    user: str = Field("", pattern=LINE)
    password: str = _secret(pattern=LINE)
    token: str = _secret(pattern=LINE)
    fingerprint: str = Field("", pattern=FINGERPRINT)
    expect_status: Whole = Field(200, ge=200, le=399)
    expect_path: str = Field("", pattern=LINE)
    expect_value: str = Field("", pattern=LINE)
    off_url: str = _secret(pattern=rf"({URL})|^$")
    status_url: str = _secret(pattern=rf"({URL})|^$")
    contact_path: str = Field("", pattern=LINE)
    open_value: str = Field("", pattern=LINE)
    closed_value: str = Field("", pattern=LINE)

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not re.fullmatch(r"[A-Za-z0-9-]{1,60}", name) or not re.fullmatch(LINE, text):
                raise ValueError("must be header names and their texts in one line each")
            if name.lower() in ("authorization", "host", "content-length", "connection"):
                raise ValueError(f"must leave out {name}, which the program writes itself (see auth)")
        return value

    @model_validator(mode="after")
    def _goes_together(self) -> Http:
        if self.auth in ("basic", "digest") and not self.user:
            raise ValueError(f'auth = "{self.auth}" needs a user')
        if self.auth == "bearer" and not self.token:
            raise ValueError('auth = "bearer" needs a token')
        if bool(self.status_url) is not bool(self.contact_path):
            raise ValueError("status_url and contact_path go together")
        if self.contact_path and self.open_value == self.closed_value:
            raise ValueError("contact_path needs an open_value and a closed_value that differ")
        return self

    @property
    def host_ends_pulse(self) -> bool:
        return bool(self.off_url)


class Mqtt(DriverSettings):
    """`payload` may hold {seconds}, {ms} or {tenths}; `payload_off`: set if the device does not end the pulse itself.

    The device must answer on `answer_topic` with a text in which `answer` occurs.
    """

    title = N_("Any device by MQTT")
    broker: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    port: Whole = Field(1883, ge=1, le=65535)
    tls: bool = False
    user: str = Field("", pattern=LINE)
    password: str = _secret(pattern=LINE)
    topic: str = Field(pattern=TOPIC)
    payload: str = Field("ON", pattern=LINE)
    payload_off: str = Field("", pattern=LINE)
    answer_topic: str = Field(pattern=TOPIC)
    answer: str = Field("ON", min_length=1, pattern=LINE)
    answer_off: str = Field("OFF", pattern=LINE)
    status_topic: str = Field("", pattern=LINE)
    offline: str = Field("offline", pattern=LINE)
    contact_topic: str = Field("", pattern=LINE)
    open_value: str = Field("ON", pattern=LINE)
    closed_value: str = Field("OFF", pattern=LINE)

    @field_validator("payload")
    @classmethod
    def _known_places(cls, value: str) -> str:
        unknown = set(re.findall(r"\{([a-z]+)\}", value)) - {"seconds", "ms", "tenths"}
        if unknown:
            raise ValueError(f"must hold {{seconds}}, {{ms}} or {{tenths}} only, not {{{min(unknown)}}}")
        return value

    @property
    def host_ends_pulse(self) -> bool:
        return bool(self.payload_off)


class Gpio(DriverSettings):
    """Pins by their BCM numbers; -1: not wired.  Inputs are pulled up and on while they are connected to ground."""

    title = N_("Raspberry Pi pins")
    pin: Whole = Field(ge=0, le=53)
    active_high: bool = True
    contact: Means = "none"
    contact_pin: Whole = Field(-1, ge=-1, le=53)
    exit_pin: Whole = Field(-1, ge=-1, le=53)
    tamper_pin: Whole = Field(-1, ge=-1, le=53)
    fire_pin: Whole = Field(-1, ge=-1, le=53)

    @model_validator(mode="after")
    def _goes_together(self) -> Gpio:
        used = [pin for pin in (self.pin, self.contact_pin, self.exit_pin, self.tamper_pin, self.fire_pin) if pin >= 0]
        if len(used) != len(set(used)):
            raise ValueError("each pin has one use only")
        if (self.contact == "none") is not (self.contact_pin < 0):
            raise ValueError("contact and contact_pin go together")
        return self

    @property
    def host_ends_pulse(self) -> bool:
        return True


class UsbHid(DriverSettings):
    """`serial`: the five characters on the board, if several are plugged in."""

    title = N_("USB relay (HID 16c0:05df)")
    relay: Whole = Field(1, ge=1, le=8)
    serial: str = Field("", pattern=r"^[A-Za-z0-9]{0,5}$")

    @property
    def host_ends_pulse(self) -> bool:
        return True


class Ch340(DriverSettings):
    title = N_("USB relay (CH340, LCUS)")
    device: str = Field("/dev/ttyUSB0", pattern=r"^/dev/[A-Za-z0-9/._:-]+$")
    relay: Whole = Field(1, ge=1, le=8)

    @property
    def host_ends_pulse(self) -> bool:
        return True


class Modbus(_Wired):
    """`framing`: "tcp", or "rtu" for RTU frames over TCP.  `flash`: the board has the timed command of Waveshare."""

    title = N_("Modbus relay")
    address: str = Field(pattern=ADDRESS)
    unit: Whole = Field(1, ge=0, le=247)
    relay: Whole = Field(0, ge=0, le=255)
    framing: Literal["tcp", "rtu"] = "rtu"
    flash: bool = True

    @property
    def host_ends_pulse(self) -> bool:
        return not self.flash


DRIVERS: Mapping[str, type[DriverSettings]] = {
    "null": Null,
    "shelly": Shelly,
    "shelly_gen1": ShellyGen1,
    "http": Http,
    "tasmota": Tasmota,
    "esphome": Esphome,
    "mqtt": Mqtt,
    "gpio": Gpio,
    "usb_hid": UsbHid,
    "ch340": Ch340,
    "modbus": Modbus,
}


def checked(driver: str, values: Mapping[str, Any]) -> DriverSettings:
    """Return the driver's settings; UserError in one line for an unknown driver, a missing or impossible value."""
    kind = DRIVERS.get(driver)
    if kind is None:
        raise UserError(
            "driver: there is no %(driver)s; there is %(all)s", driver=driver, all=", ".join(sorted(DRIVERS))
        )
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(
            "driver %(driver)s: %(why)s", driver=driver, why=_words(error, kind)
        ) from None  # the chain would show the values


def secrets_of(driver: str) -> frozenset[str]:
    """Return the names of the driver's secret settings."""
    fields = DRIVERS[driver].model_fields.items()
    return frozenset(
        name
        for name, field in fields
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    )


def parted(driver: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what may be shown and what may not, of checked values: the latter is encrypted and never shown again."""
    hidden = secrets_of(driver)
    shown = {name: value for name, value in values.items() if name not in hidden}
    return shown, {name: value for name, value in values.items() if name in hidden and value}


def _words(error: ValidationError, kind: type[DriverSettings]) -> str:
    """Return the first mistake, without the value if it is secret."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    own = str(first["ctx"]["error"]) if first["type"] == "value_error" else ""
    if not name:
        return own
    if first["type"] == "missing":
        return f"{name} is missing"
    if first["type"] == "extra_forbidden":
        return f"there is no setting {name}; there is {', '.join(kind.model_fields)}"
    field = kind.model_fields[name]
    secret = isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    found = "a value" if secret else json.dumps(first["input"], default=str)
    said = own or _PATTERNS.get(str(first.get("ctx", {}).get("pattern")), first["msg"].lower())
    return f"{name} is {found}, but {said if said.startswith('must') else f'must be right: {said}'}"


_PATTERNS = {
    ADDRESS: 'must be an address such as "192.168.1.40", "192.168.1.40:8080" or "https://door.example.org"',
    URL: 'must be a URL such as "http://192.168.1.40/open", without a password in front of the host',
    rf"({URL})|^$": "must be a URL, or empty",
    LINE: "must be one line of text",
    TOPIC: "must be a topic without # and +",
    FINGERPRINT: "must be the SHA-256 of the certificate, 64 hexadecimal digits",
}
