"""A door at a real broker: announced, unavailable when it dies, and unlocked only by a fresh command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from attendance.config import MqttSettings
from attendance.daemon.doors.bridge import MqttBridge
from attendance.domain.access.door_state import Contact, Inputs, Timings
from attendance.domain.passage import Method
from attendance.service.access.doors.home_assistant import Topics
from attendance.service.access.doors.live import LiveDoor
from attendance.service.access.doors.remote import lock_remotely
from attendance.service.access.policy import holding
from attendance.service.audit.audit import Actor
from attendance.store.session import Sessions
from attendance.store.tables.access import Door
from tests import needs
from tests.fakes import FakeClock, FakeDoor
from tests.mosquitto import Broker, Listener, listening, until

needs.package("paho.mqtt.client", "test")

TOPICS = Topics.of("front door", "attendance", "homeassistant")


class Bridged:
    def __init__(self, broker: Broker, sessions: Sessions, **settings: Any) -> None:
        self.device, self.sessions = FakeDoor(), sessions
        self.device.seen = Inputs(Contact.CLOSED)
        self.door = LiveDoor(self.device, sessions, FakeClock(), Timings())
        self.door.look()
        given = MqttSettings(host="127.0.0.1", port=broker.port, **settings)
        self.bridge = MqttBridge(given, self.door, lambda: self.door.unlock(3), "1.0", self.lock)
        self.bridge.start()

    def lock(self) -> str:
        return lock_remotely(self.sessions, FakeClock(), self.door.name, Actor("system", "mqtt"), "a command by MQTT")


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with listening(broker.port) as made:
        yield made


def outcome(granted: bool, name: str | None) -> Any:
    passage = SimpleNamespace(granted=granted, method=Method.FACE)
    return SimpleNamespace(passage=passage, person_name=name, settled=object(), repeat=False)


def test_a_door_is_announced_its_state_follows_and_it_is_announced_again(
    broker: Broker, listener: Listener, sessions: Sessions
) -> None:
    bridged = Bridged(broker, sessions)
    until(lambda: listener.last(TOPICS.state), "the state")
    config = listener.last(TOPICS.config)
    assert config["cmps"]["contact"]["dev_cla"] == "door"
    assert config["cmps"]["lock"] == {"p": "lock"}, "no commands unless they are switched on"
    assert listener.last(TOPICS.status) == "online"
    assert listener.last(TOPICS.state)["contact"] == "OFF"

    bridged.door.unlock(3, "p1")
    bridged.device.seen = Inputs(Contact.OPEN)
    bridged.door.look()
    until(lambda: listener.last(TOPICS.state)["contact"] == "ON", "the opening")
    assert listener.last(TOPICS.state)["lock"] == "UNLOCKED"
    bridged.bridge.observe([outcome(True, "Anna"), outcome(False, None)], {})
    until(lambda: listener.last(TOPICS.event) == {"event_type": "denied"}, "the event")
    assert b"Anna" not in b"".join(payload for _, payload, _ in listener.heard)

    listener.heard.clear()
    listener.say(TOPICS.home, "online")
    until(lambda: listener.last(TOPICS.state) and listener.last(TOPICS.config), "a new announcement")
    with listening(broker.port) as later:
        until(lambda: later.last(TOPICS.config) and later.last(TOPICS.state), "what is retained")
        assert later.last(TOPICS.event) is None, "an event is never retained"
    listener.say(TOPICS.command, "UNLOCK", expiry=5)
    bridged.bridge.stop()
    until(lambda: listener.last(TOPICS.status) == "offline", "the good-bye")
    assert bridged.device.unlocked == [3], "the passage only: commands are off"


def test_only_a_fresh_command_that_expires_soon_unlocks(broker: Broker, listener: Listener, sessions: Sessions) -> None:
    listener.say(TOPICS.command, "UNLOCK", retain=True, expiry=9)
    bridged = Bridged(broker, sessions, commands=True, names=True)
    until(lambda: TOPICS.command in json.dumps(listener.last(TOPICS.config)), "the announcement")
    until(lambda: listener.last(TOPICS.state), "the state")
    listener.say(TOPICS.command, "UNLOCK")
    listener.say(TOPICS.command, "UNLOCK", expiry=60)
    listener.say(TOPICS.command, "LOCK", expiry=5)
    assert bridged.device.unlocked == []
    listener.say(TOPICS.command, "UNLOCK", expiry=5)
    until(lambda: bridged.device.unlocked, "the unlock")
    bridged.bridge.observe([outcome(True, "Anna")], {})
    until(lambda: listener.last(TOPICS.event), "the event")
    assert listener.last(TOPICS.event)["person"] == "Anna"
    listener.say(TOPICS.command, "", retain=True)
    bridged.bridge.stop()

    assert bridged.device.unlocked == [3]


def test_a_fresh_command_locks_as_an_operator_does_and_no_other_one(
    broker: Broker, listener: Listener, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.add(Door(id=71, name="front door"))
    listener.say(TOPICS.command, "LOCK", retain=True, expiry=9)
    bridged = Bridged(broker, sessions, commands=True)
    until(lambda: listener.last(TOPICS.state), "the state")
    listener.say(TOPICS.command, "LOCK")
    listener.say(TOPICS.command, "LOCK", expiry=60)
    listener.say(TOPICS.command, "UNLOCK", expiry=5)
    until(lambda: bridged.device.unlocked, "a command behind those that are refused")
    now = FakeClock().now()
    with sessions() as session:
        assert holding.holding(session, now) == []
    listener.say(TOPICS.command, "LOCK", expiry=5)

    def held() -> list[tuple[object, ...]]:
        with sessions() as session:
            return [(one.door, one.mode, one.by) for one in holding.holding(session, now)]

    until(held, "the lock")
    listener.say(TOPICS.command, "", retain=True)
    bridged.bridge.stop()

    assert held() == [(71, "lock", "mqtt")]


def test_a_command_that_waited_too_long_for_the_device_is_dropped(broker: Broker, sessions: Sessions) -> None:
    bridged = Bridged(broker, sessions, commands=True)
    bridged.bridge._commands.put(("unlock", 0.0))
    until(lambda: bridged.bridge._commands.empty(), "the look at it")
    bridged.bridge.stop()

    assert bridged.device.unlocked == []


SCRIPT = """
import sys, time
from attendance.config import MqttSettings
from attendance.daemon.doors.bridge import MqttBridge
from attendance.domain.access.door_state import Timings
from attendance.service.access.doors.live import LiveDoor
from tests.fakes import FakeClock, FakeDoor
door = LiveDoor(FakeDoor(), None, FakeClock(), Timings())
MqttBridge(MqttSettings(host="127.0.0.1", port=int(sys.argv[1])), door, lambda: None, "1.0").start()
time.sleep(60)
"""


def test_a_daemon_that_is_killed_becomes_unavailable_by_its_last_will(broker: Broker, listener: Listener) -> None:
    daemon = subprocess.Popen([sys.executable, "-c", SCRIPT, str(broker.port)])
    until(lambda: listener.last(TOPICS.status) == "online", "the start", 20)
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait()

    until(lambda: listener.last(TOPICS.status) == "offline", "the last will")


def test_after_the_broker_was_away_everything_is_there_again(broker: Broker, sessions: Sessions) -> None:
    bridged = Bridged(broker, sessions)
    with listening(broker.port) as before:
        until(lambda: before.last(TOPICS.state), "the state")
    broker.stop()
    bridged.bridge._event({"event_type": "exit"})
    broker.start()
    with listening(broker.port) as after:
        until(lambda: after.last(TOPICS.config) and after.last(TOPICS.state), "the announcement", 15)
        assert after.last(TOPICS.status) == "online"
        assert after.last(TOPICS.event) is None, "the past is not sent later"
    bridged.bridge.stop()
