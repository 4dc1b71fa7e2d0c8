"""Any relay that listens to an MQTT broker: Tasmota, Zigbee2MQTT, Shelly, devices of one's own (extra: mqtt).

In: the driver's settings.  Out: a lock whose device ends the pulse, or a switch if there is a `payload_off`; a contact.
Does not know: doors, people.
Main choice: the command is sent with QoS 0, since the client would send one of QoS 1 again after a lost connection,
when nobody stands at the door any more; that it arrived is seen by the device's answer.  Never retained.
"""

from __future__ import annotations

import secrets
import threading
from time import monotonic
from typing import Any

from attendance.daemon.doors.driver import TIMEOUT_S, Device, Lock, Switch
from attendance.domain.access.door_state import Contact, Inputs
from attendance.errors import UserError
from attendance.service.access.doors.driver_settings import Mqtt
from attendance.service.ports import DoorFault, DoorUnknown

KEEP_ALIVE_S = 15
EXPIRY_S = 2  # a broker that could not deliver it by then drops it


class _Mqtt(Device):
    readable = True

    def __init__(self, settings: Mqtt) -> None:
        try:
            from paho.mqtt import client as paho
            from paho.mqtt.enums import CallbackAPIVersion
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties
        except ModuleNotFoundError as error:
            raise UserError("the driver mqtt needs paho-mqtt: pip install 'attendance[mqtt]'") from error
        self._settings = settings
        self._properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        self._properties.MessageExpiryInterval = EXPIRY_S
        self._connected, self._answered = threading.Event(), threading.Event()
        self._trouble = f"no connection to the broker {settings.broker}:{settings.port}"
        self._wanted: str | None = None
        self._offline = False
        self._contact = Contact.UNKNOWN
        name = f"attendance-door-{secrets.token_hex(4)}"
        self._client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5)
        if settings.user:
            self._client.username_pw_set(settings.user, settings.password)
        if settings.tls:
            self._client.tls_set()
        self._client.on_connect, self._client.on_disconnect = self._on_connect, self._on_disconnect
        self._client.on_subscribe, self._client.on_message = self._on_subscribe, self._on_message
        self._client.reconnect_delay_set(1, 10)
        self._client.connect_async(settings.broker, settings.port, KEEP_ALIVE_S)
        self._client.loop_start()

    def inputs(self) -> Inputs:
        self._require_connection()
        return Inputs(self._contact)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def ask(self, payload: str, answer: str) -> None:
        """Publish once and wait for the device's answer."""
        end = monotonic() + TIMEOUT_S
        self._require_connection(TIMEOUT_S / 2)
        self._answered.clear()
        self._wanted = answer
        try:
            info = self._client.publish(self._settings.topic, payload, qos=0, properties=self._properties)
            if info.rc != 0:
                raise DoorFault(f"the broker takes nothing: error {info.rc}")
            if not self._answered.wait(max(0.0, end - monotonic())):
                raise DoorUnknown(f"no “{answer}” on {self._settings.answer_topic} within {TIMEOUT_S:g} s")
        finally:
            self._wanted = None

    def _require_connection(self, wait_s: float = 0.0) -> None:
        if not self._connected.wait(wait_s):
            raise DoorFault(self._trouble)
        if self._offline:
            raise DoorFault(f"the device says “{self._settings.offline}” on {self._settings.status_topic}")

    # --- called by the client's thread ---

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:  # noqa: ARG002
        if reason.is_failure:
            self._trouble = f"the broker refuses: {reason}"
            return
        topics = {self._settings.answer_topic, self._settings.contact_topic, self._settings.status_topic} - {""}
        client.subscribe([(topic, 1) for topic in sorted(topics)])

    def _on_subscribe(self, *_: Any) -> None:
        self._connected.set()  # only now is an answer heard

    def _on_disconnect(self, *_: Any) -> None:
        self._connected.clear()

    def _on_message(self, client: Any, data: Any, message: Any) -> None:  # noqa: ARG002
        text, settings = message.payload.decode("utf-8", "replace"), self._settings
        if message.topic == settings.answer_topic and not message.retain:
            wanted = self._wanted
            if wanted is not None and wanted in text:
                self._answered.set()
        if message.topic == settings.contact_topic:
            said = {settings.open_value: Contact.OPEN, settings.closed_value: Contact.CLOSED}
            self._contact = said.get(text, Contact.FAULT)
        if message.topic == settings.status_topic:
            self._offline = text.strip() == settings.offline


class MqttLock(_Mqtt, Lock):
    """A device that ends each pulse itself."""

    def pulse(self, seconds: float) -> str:
        text = self._settings.payload
        for place, value in (
            ("seconds", f"{seconds:g}"),
            ("ms", round(seconds * 1000)),
            ("tenths", round(seconds * 10)),
        ):
            text = text.replace(f"{{{place}}}", str(value))
        self.ask(text, self._settings.answer)
        return ""


class MqttSwitch(_Mqtt, Switch):
    """A device that stays on until `payload_off` is sent."""

    def switch(self, on: bool) -> None:
        settings = self._settings
        if on:
            self.ask(settings.payload, settings.answer)
        else:
            self.ask(settings.payload_off, settings.answer_off or settings.answer)
