"""UUIDv7: sorts by time, is unique within one moment."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.service.ids import made_at, new_event_id
from tests.factories import NOON


def test_an_id_is_a_version_7_uuid_of_its_millisecond() -> None:
    made = new_event_id(NOON)
    parsed = uuid.UUID(made)
    assert len(made) == 36
    assert str(parsed) == made
    assert (parsed.int >> 76) & 0xF == 7
    assert (parsed.int >> 62) & 0b11 == 0b10
    assert parsed.int >> 80 == int(NOON.timestamp() * 1000)


@given(st.integers(min_value=0, max_value=10**16), st.integers(min_value=1, max_value=10**12))
def test_ids_sort_by_time_to_the_microsecond(since_1970: int, microseconds: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since_1970)
    assert new_event_id(at) < new_event_id(at + timedelta(microseconds=microseconds))


def test_ids_of_one_moment_differ() -> None:
    assert len({new_event_id(NOON) for _ in range(1000)}) == 1000


def test_the_time_can_be_read_from_an_id() -> None:
    assert made_at(new_event_id(NOON)) == NOON


@pytest.mark.parametrize(
    "text", ["", "x", "00000000-0000-4000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"]
)
def test_what_is_no_id_of_an_event_has_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        made_at(text)


@pytest.mark.parametrize("write", [str.upper, "{{{}}}".format, "urn:uuid:{}".format, lambda one: one.replace("-", "")])
def test_an_id_is_one_only_as_it_was_made(write: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match="not a UUIDv7"):
        made_at(write("018bcfe5-6800-7abc-8def-000000000000"))
