"""A relay behind a real broker: asked once, its own answer counts, and old answers do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from attendance.daemon.doors.drivers import door_of, switch_of
from attendance.daemon.doors.network import mqtt
from attendance.domain.access.door_state import Contact
from attendance.service.ports import Door, DoorFault, PulseOutcome
from tests import needs
from tests.mosquitto import Broker, Listener, listening, until

needs.package("paho.mqtt.client", "test")

COMMAND, ANSWER, CONTACT, STATUS = "cmnd/door/TimedPower1", "stat/door/RESULT", "door/contact", "tele/door/LWT"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "TIMEOUT_S", 0.8)


class Relay:
    """A device that listens to the broker.  `mood`: what it does with a command."""

    def __init__(self, listener: Listener) -> None:
        self.listener, self.mood, self.asked = listener, "obey", list[str]()
        hear = listener.client.on_message

        def answer(client: Any, data: Any, message: Any) -> None:
            hear(client, data, message)
            if message.topic == COMMAND:
                self.asked.append(message.payload.decode())
                if self.mood == "obey":
                    client.publish(ANSWER, '{"POWER1":"%s"}' % ("OFF" if message.payload == b"0" else "ON"), qos=1)
                elif self.mood == "garble":
                    client.publish(ANSWER, b"\xff\xfe", qos=1)

        listener.client.on_message = answer


@pytest.fixture
def relay(broker: Broker) -> Iterator[Relay]:
    with listening(broker.port) as listener:
        yield Relay(listener)


def values(broker: Broker, **more: object) -> dict[str, object]:
    wired = {"contact_topic": CONTACT, "status_topic": STATUS, "offline": "Offline"}
    base = {"broker": "127.0.0.1", "port": broker.port, "topic": COMMAND, "answer_topic": ANSWER, "payload": "{ms}"}
    return {**base, **wired, **more}


@pytest.fixture
def door(broker: Broker) -> Iterator[Door]:
    made = door_of("front", "mqtt", values(broker))
    until(lambda: not _fault(made), "the connection")
    yield made
    made.close()


def test_a_pulse_is_asked_once_and_confirmed_by_the_device(relay: Relay, door: Door) -> None:
    assert door.unlock(3).outcome is PulseOutcome.PULSED
    assert relay.asked == ["3000"]


@pytest.fixture
def yesterday(relay: Relay) -> Iterator[None]:
    """An answer that the broker keeps, from before the door connects."""
    relay.listener.say(ANSWER, '{"POWER1":"ON"}', retain=True)
    yield
    relay.listener.say(ANSWER, "", retain=True)


@pytest.mark.usefixtures("yesterday")
@pytest.mark.parametrize("mood", ["hold", "garble"])
def test_without_its_answer_the_outcome_is_unknown_and_it_is_not_asked_again(
    relay: Relay, broker: Broker, mood: str
) -> None:
    relay.mood = mood
    door = door_of("front", "mqtt", values(broker))
    until(lambda: not _fault(door), "the connection")
    pulse = door.unlock(3)
    door.close()

    assert pulse.outcome is PulseOutcome.UNKNOWN
    assert relay.asked == ["3000"]


def test_a_device_that_says_it_is_gone_is_not_asked(relay: Relay, door: Door) -> None:
    relay.listener.say(STATUS, "Offline", retain=True)
    until(lambda: _fault(door), "the news")
    pulse = door.unlock(3)
    relay.listener.say(STATUS, "", retain=True)

    assert (pulse.outcome, relay.asked) == (PulseOutcome.REFUSED, [])
    assert "Offline" in pulse.detail


def test_the_contact_is_heard(relay: Relay, door: Door) -> None:
    relay.listener.say(CONTACT, "ON", retain=True)
    until(lambda: not _fault(door) and door.inputs().contact is Contact.OPEN, "the contact")
    relay.listener.say(CONTACT, "ajar")
    until(lambda: door.inputs().contact is Contact.FAULT, "the nonsense")
    relay.listener.say(CONTACT, "", retain=True)


def test_without_a_broker_the_door_stays_shut_for_certain(broker: Broker) -> None:
    door = door_of("front", "mqtt", {**values(broker), "port": 1})
    try:
        pulse = door.unlock(3)
        assert pulse.outcome is PulseOutcome.REFUSED
        assert "no connection to the broker" in pulse.detail
    finally:
        door.close()


def test_a_device_that_ends_no_pulse_is_switched_on_and_off(relay: Relay, broker: Broker) -> None:
    switch = switch_of("mqtt", values(broker, payload="1", payload_off="0"))
    try:
        switch.switch(True)
        switch.switch(False)
        assert relay.asked == ["1", "0"]
    finally:
        switch.close()


def _fault(door: Door) -> bool:
    try:
        door.inputs()
    except DoorFault:
        return True
    return False
