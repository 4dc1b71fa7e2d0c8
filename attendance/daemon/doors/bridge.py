"""A door at an MQTT broker: announced to Home Assistant, its state, events, and commands if they are switched on.

In: the settings, a watched door, outcomes of the camera.  Out: messages; unlocks as an operator's act.
Does not know: what the messages hold (`service/access/doors/home_assistant`), how an unlock is written down (`remote`).
Main choice: commands are carried out by a thread of their own, one after the other, so that a slow device keeps the
connection alive.  What happens while the broker is away is not sent later: an event in the past moves nothing now.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from attendance.config import MqttSettings
from attendance.domain.access.door_state import Happening
from attendance.errors import UserError
from attendance.service.access.check_in import Outcome
from attendance.service.access.doors import home_assistant
from attendance.service.access.doors.home_assistant import OFFLINE, ONLINE, Topics
from attendance.service.access.doors.live import LiveDoor
from attendance.service.ports import Pulse

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 20
STATE_EVERY_S = 0.25  # how often a changed state is looked for
MOST_COMMANDS = 4  # that wait for the device


class MqttBridge:
    """One door's connection.  `unlock`, `lock`: carry a command out; `lock` returns why it was refused, "" if it was
    done.  `version`: of the program."""

    def __init__(
        self,
        settings: MqttSettings,
        door: LiveDoor,
        unlock: Callable[[], Pulse],
        version: str,
        lock: Callable[[], str] = lambda: "nobody locks this door",
    ) -> None:
        try:
            from paho.mqtt import client as paho
            from paho.mqtt.enums import CallbackAPIVersion
            from paho.mqtt.subscribeoptions import SubscribeOptions
        except ModuleNotFoundError as error:
            raise UserError("[mqtt] host needs paho-mqtt: pip install 'attendance[mqtt]'") from error
        self._settings, self._door, self._version = settings, door, version
        self._unlock, self._lock = unlock, lock
        self._topics = Topics.of(door.name, settings.prefix, settings.discovery)
        self._ended = threading.Event()
        self._commands: queue.Queue[tuple[str, float]] = queue.Queue(MOST_COMMANDS)
        self._published: Mapping[str, Any] | None = None
        self._contact = False
        self._threads = [
            threading.Thread(target=run, name=f"mqtt {door.name}", daemon=True) for run in (self._follow, self._obey)
        ]
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"attendance-{home_assistant.id_of(door.name)}",
            protocol=paho.MQTTv5,
        )
        if settings.user:
            client.username_pw_set(settings.user, settings.password)
        if settings.tls:
            client.tls_set()
        client.will_set(self._topics.status, OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(1, 30)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message = self._on_message
        self._client, self._paho, self._options = client, paho, SubscribeOptions
        door.listeners.append(self._happened)

    def start(self) -> None:
        self._client.connect_async(
            self._settings.host, self._settings.port, KEEP_ALIVE_S, clean_start=self._paho.MQTT_CLEAN_START_FIRST_ONLY
        )
        self._client.loop_start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Say that the door is not watched any more, and let go of the broker."""
        self._ended.set()
        if self._client.is_connected():
            self._client.publish(self._topics.status, OFFLINE, qos=1, retain=True).wait_for_publish(1)
        self._client.disconnect()
        self._client.loop_stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(3)

    def observe(self, outcomes: Sequence[Outcome], _timings: Mapping[str, float]) -> None:
        """Publish what the camera decided; a fault that repeats is left out."""
        for outcome in outcomes:
            passage = outcome.passage
            if passage is not None and not (outcome.settled is None and outcome.repeat):
                self._event(
                    home_assistant.decided(
                        passage.granted, outcome.person_name, passage.method.value, self._settings.names
                    )
                )

    def _happened(self, happening: Happening, _at: datetime) -> None:
        self._event(home_assistant.event_of(happening))

    def _event(self, event: Mapping[str, str] | None) -> None:
        if event is not None and self._client.is_connected():
            # QoS 0: the client would send one of QoS 1 again after a lost connection, when it is long over.
            self._client.publish(self._topics.event, json.dumps(event), qos=0, retain=False)

    # --- threads ---

    def _follow(self) -> None:
        """Publish the state whenever it is another one."""
        while not self._ended.wait(STATE_EVERY_S):
            self._publish_state()

    def _publish_state(self) -> None:
        if not self._client.is_connected():
            return
        state = self._door.state
        if self._contact is not (state.contact.value != "unknown"):
            self._announce()
        now = home_assistant.state_of(state, self._door.unlocked)
        if now != self._published:
            self._published = now
            self._client.publish(self._topics.state, json.dumps(now), qos=1, retain=True)

    def _obey(self) -> None:
        """Carry out commands; one whose time ran out while it waited is dropped."""
        while not self._ended.is_set():
            try:
                command, until = self._commands.get(timeout=0.5)
            except queue.Empty:
                continue
            self._published = None  # said again, whatever came of it: the other side may assume that it was done
            if monotonic() > until:
                log.warning("door %s: a command by MQTT came too late", self._door.name)
                continue
            try:
                said = self._carried_out(command)
            except Exception:  # what cannot be written down moves nothing
                log.exception("door %s: a command by MQTT failed", self._door.name)
                continue
            log.info("door %s: %s by MQTT: %s", self._door.name, command, said)

    def _carried_out(self, command: str) -> str:
        if command == "lock":
            return self._lock() or "done"
        pulse = self._unlock()
        return f"{pulse.outcome} {pulse.detail}".strip()

    # --- called by the client's thread ---

    def _announce(self) -> None:
        self._contact = self._door.state.contact.value != "unknown"
        message = home_assistant.announcement(
            self._door.name, self._topics, self._version, self._contact, self._settings.commands
        )
        self._client.publish(self._topics.config, json.dumps(message), qos=1, retain=True)

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("the MQTT broker refuses the door %s: %s", self._door.name, reason)
            return
        log.info("door %s is at the MQTT broker %s", self._door.name, self._settings.host)
        wanted = [self._topics.home, *([self._topics.command] if self._settings.commands else [])]
        # 2: what is retained is not sent at a subscription; a command that is retained all the same is refused.
        options = self._options(qos=1, retainHandling=2)
        client.subscribe([(topic, options) for topic in wanted])
        self._announce()
        client.publish(self._topics.status, ONLINE, qos=1, retain=True)
        self._published = None  # the follower sends it again

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("door %s lost the MQTT broker: %s", self._door.name, reason)

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        if message.topic == self._topics.home:
            if message.payload == ONLINE.encode():
                self._announce()
                client.publish(self._topics.status, ONLINE, qos=1, retain=True)
                self._published = None
            return
        if message.topic != self._topics.command or not self._settings.commands:
            return
        expiry = getattr(message.properties, "MessageExpiryInterval", None)
        command = home_assistant.command_of(message.payload, message.retain, expiry)
        if command.startswith("refused"):
            log.warning("door %s: a command by MQTT was %s", self._door.name, command)
            return
        try:
            self._commands.put_nowait((command, monotonic() + (expiry or 0)))
        except queue.Full:
            log.warning("door %s: too many commands by MQTT at once", self._door.name)
