"""What is announced, published and obeyed, by the words of Home Assistant's schemas."""

from __future__ import annotations

import re
from typing import Any

import pytest

from attendance.domain.access.door_state import Contact, DoorAlarm, DoorState, Happened, Happening
from attendance.service.access.doors import home_assistant
from attendance.service.access.doors.home_assistant import Topics

TOPICS = Topics.of("Front door", "attendance", "homeassistant")


def announced(contact: bool = True, commands: bool = False) -> dict[str, Any]:
    return home_assistant.announcement("Front door", TOPICS, "1.0", contact, commands)


def test_ids_keep_to_the_allowed_characters_and_two_names_never_share_one() -> None:
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", TOPICS.config)
    assert home_assistant.id_of("Front door") != home_assistant.id_of("front-door")
    assert home_assistant.id_of("Вход").startswith("door_")


def test_each_entity_has_a_platform_and_an_id_of_its_own_or_is_removed() -> None:
    for commands in (True, False):
        parts = announced(commands=commands)["cmps"]
        assert all(part.keys() == {"p"} or {"p", "uniq_id", "name"} <= part.keys() for part in parts.values())
        ids = [part["uniq_id"] for part in parts.values() if "uniq_id" in part]
        assert len(ids) == len(set(ids)) == 4
    assert announced()["o"]["name"] == "attendance"
    assert announced(contact=False)["cmps"]["contact"] == {"p": "binary_sensor"}


def test_only_where_commands_are_on_is_there_a_lock_and_it_asks_for_an_expiry() -> None:
    assert announced()["cmps"]["lock"] == {"p": "lock"}
    assert "att/set" not in str(announced())
    lock = announced(commands=True)["cmps"]["lock"]
    assert (lock["cmd_t"], lock["ret"], lock["msg_exp_int"], lock["opt"]) == (TOPICS.command, False, 10, False)
    assert lock["stat_t"] == TOPICS.state


def test_the_state_has_the_words_of_lock_and_binary_sensor() -> None:
    state = DoorState(contact=Contact.OPEN, alarms=frozenset({DoorAlarm.HELD}))

    assert home_assistant.state_of(state, unlocked=True) == {
        "lock": "UNLOCKED",
        "unlocked": "ON",
        "contact": "ON",
        "problem": "ON",
        "alarms": "held",
    }
    assert home_assistant.state_of(DoorState(contact=Contact.CLOSED), unlocked=False)["problem"] == "OFF"


def test_duress_is_no_event_and_no_word_of_any_message() -> None:
    assert "duress" not in home_assistant.EVENTS
    everything = [home_assistant.event_of(Happening(what, alarm)) for what in Happened for alarm in (None, *DoorAlarm)]
    assert {event["event_type"] for event in everything if event} <= set(home_assistant.EVENTS)
    assert "duress" not in str(announced(commands=True))


def test_a_name_is_published_only_where_names_are_on_and_a_refusal_says_nothing() -> None:
    assert home_assistant.decided(True, "Anna", "face", names=False) == {"event_type": "granted", "method": "face"}
    assert home_assistant.decided(True, "Anna", "face", names=True)["person"] == "Anna"
    assert home_assistant.decided(False, "Anna", "face", names=True) == {"event_type": "denied"}


@pytest.mark.parametrize(
    ("payload", "retained", "expiry", "answer"),
    [
        (b"UNLOCK", False, 10, "unlock"),
        (b"OPEN", False, 1, "unlock"),
        (b"LOCK", False, 5, "lock"),
        (b"UNLOCK", True, 5, "refused: the message was retained"),
        (b"UNLOCK", False, None, "refused: the message has no expiry"),
        (b"UNLOCK", False, 11, "refused: the message expires after 11 s"),
        (b"UNLOCK", False, 0, "refused: the message expires after 0 s"),
        (b"unlock", False, 5, "refused: the command is not known"),
        (b"\xff", False, 5, "refused: the command is not known"),
    ],
)
def test_a_command_is_fresh_and_expires_soon_or_is_refused(
    payload: bytes, retained: bool, expiry: int | None, answer: str
) -> None:
    assert home_assistant.command_of(payload, retained, expiry).startswith(answer)
