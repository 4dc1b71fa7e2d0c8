"""The door's own states: opened, forced, held, fire, silence; each with its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.door_state import (
    MUTED_BY_FIRE,
    Contact,
    DoorAlarm,
    DoorState,
    Happened,
    Happening,
    Inputs,
    Timings,
    granted,
    lost,
    seen,
)

TIMES = Timings(open_too_long_s=30, pre_alarm_s=10, passage_s=5)
CLOSED, OPEN = Inputs(Contact.CLOSED), Inputs(Contact.OPEN)


class Door:
    """Plays a story and keeps what happened, as words."""

    def __init__(self, times: Timings = TIMES) -> None:
        self.times, self.state = times, DoorState()
        self.story: list[str] = []
        self.sees(0, CLOSED)
        self.story.clear()

    def sees(self, now: float, inputs: Inputs, stands_open: bool = False) -> None:
        self._note(seen(self.state, inputs, self.times, now, stands_open))

    def grants(self, now: float, passage: str = "p1", seconds: float = 3, extended: float = 0) -> None:
        self._note(granted(self.state, passage, seconds, self.times, now, extended))

    def loses(self) -> None:
        self._note(lost(self.state))

    def _note(self, step: tuple[DoorState, object]) -> None:
        self.state, happened = step
        for one in happened:  # type: ignore[attr-defined]
            what = one.alarm or one.passage
            self.story.append(f"{one.what}{f' {what}' if what else ''}{' (muted)' if one.muted else ''}")


def test_a_granted_passage_is_taken_when_the_door_opens() -> None:
    door = Door()
    door.grants(1)
    door.sees(4, OPEN)
    door.sees(6, CLOSED)

    assert door.story == ["opened", "taken p1", "closed"]


def test_nobody_enters_after_a_grant() -> None:
    door = Door()
    door.grants(1)
    door.sees(9, CLOSED)
    assert door.story == []
    door.sees(9.1, CLOSED)

    assert door.story == ["not_taken p1"]


def test_without_a_contact_nobody_says_whether_a_passage_was_taken() -> None:
    door = Door()
    door.sees(0, Inputs())
    door.grants(1)
    door.sees(60, Inputs())

    assert door.story == []
    assert door.state.pending == ()


def test_two_grants_and_one_opening_are_two_passages() -> None:
    door = Door()
    door.grants(1)
    door.grants(2, "p2")
    door.sees(3, OPEN)
    door.grants(4, "p3")

    assert door.story == ["opened", "taken p1", "taken p2", "taken p3"]


def test_an_opening_without_a_reason_is_forced_until_the_door_is_closed() -> None:
    door = Door()
    door.sees(1, OPEN)
    door.sees(2, OPEN)
    door.sees(3, CLOSED)

    assert door.story == ["opened", "raised forced", "closed", "cleared forced"]


def test_an_opening_after_the_window_of_a_grant_is_forced() -> None:
    door = Door()
    door.grants(1)
    door.sees(9.5, CLOSED)
    door.sees(10, OPEN)

    assert door.story == ["not_taken p1", "opened", "raised forced"]


def test_the_exit_button_opens_a_window_also_when_both_are_seen_at_once() -> None:
    door = Door()
    door.sees(1, Inputs(Contact.OPEN, exit_button=True))

    assert door.story == ["exit", "opened"]


def test_a_door_that_people_leave_by_its_handle_is_never_forced() -> None:
    door = Door(Timings(watch_forced=False))
    door.sees(1, OPEN)

    assert door.story == ["opened"]


def test_a_door_that_stands_open_warns_alarms_and_clears() -> None:
    door = Door()
    door.grants(0)
    for now in (1, 20.9, 21, 30.9, 31, 40):
        door.sees(now, OPEN)
    door.sees(41, CLOSED)

    assert door.story == [
        *("opened", "taken p1", "raised pre_alarm", "cleared pre_alarm", "raised held", "closed", "cleared held"),
    ]


def test_somebody_with_extended_time_may_hold_it_longer_and_the_next_one_not() -> None:
    door = Door()
    door.grants(0, extended=60)
    door.sees(1, OPEN)
    door.sees(55, OPEN)
    assert "raised held" not in door.story
    door.sees(61, OPEN)
    assert door.story[-1] == "raised held"
    door.sees(62, CLOSED)
    door.grants(70)
    door.sees(71, OPEN)
    door.sees(101, OPEN)
    assert door.story[-1] == "raised held"


def test_a_door_that_a_rule_keeps_open_is_neither_forced_nor_held_until_the_rule_ends() -> None:
    door = Door()
    door.sees(1, OPEN, stands_open=True)
    door.sees(500, OPEN, stands_open=True)
    assert door.story == ["opened"]
    door.sees(501, OPEN)

    assert door.story == ["opened", "raised held"]


def test_fire_is_an_alarm_that_mutes_held_and_forced_and_nothing_else() -> None:
    door = Door()
    fire = Inputs(Contact.OPEN, fire=True, tamper=True)
    door.sees(1, fire)
    door.sees(40, fire)
    assert door.story == [
        *("raised fire", "raised tamper", "opened", "raised forced (muted)", "raised held (muted)"),
    ]
    assert door.state.audible == {DoorAlarm.FIRE, DoorAlarm.TAMPER}
    door.sees(41, OPEN)

    assert door.state.audible == {DoorAlarm.FORCED, DoorAlarm.HELD}, "they sound once the fire is over"


def test_a_door_that_opened_while_the_device_was_silent_is_forced() -> None:
    door = Door()
    door.loses()
    door.loses()
    door.sees(9, OPEN)

    assert door.story == ["raised offline", "cleared offline", "opened", "raised forced"]
    assert door.state.online


def test_a_door_that_was_found_open_at_the_start_is_watched_and_not_forced() -> None:
    step, happened = seen(DoorState(), OPEN, TIMES, 0)
    assert [one.what for one in happened] == [Happened.OPENED]
    _, happened = seen(step, OPEN, TIMES, 31)

    assert happened == (Happening(Happened.RAISED, DoorAlarm.HELD),)


def test_the_locks_relay_is_reported_when_it_changes() -> None:
    door = Door()
    door.sees(1, Inputs(Contact.CLOSED, unlocked=False))
    door.sees(2, Inputs(Contact.CLOSED, unlocked=True))
    door.sees(3, Inputs(Contact.CLOSED, unlocked=False))

    assert door.story == ["unlocked", "locked"]


looks = st.builds(
    Inputs,
    st.sampled_from(Contact),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
)


@given(st.lists(st.one_of(looks, st.just("grant"), st.just("lost")), max_size=30))
def test_every_alarm_and_every_passage_ends_once_and_fire_sounds_always(story: list[object]) -> None:
    state, passages, ended = DoorState(), 0, list[str | None]()
    open_alarms: set[DoorAlarm] = set()
    for now, event in enumerate([*story, CLOSED, CLOSED], start=1):
        if event == "grant":
            passages += 1
            state, happened = granted(state, f"p{passages}", 3, TIMES, now * 7.0)
        elif event == "lost":
            state, happened = lost(state)
        else:
            assert isinstance(event, Inputs)
            state, happened = seen(state, event, TIMES, now * 7.0)
        for one in happened:
            if one.what is Happened.RAISED and one.alarm is not None:
                assert one.alarm not in open_alarms
                open_alarms.add(one.alarm)
            if one.what is Happened.CLEARED and one.alarm is not None:
                open_alarms.remove(one.alarm)
            if one.what in (Happened.TAKEN, Happened.NOT_TAKEN):
                ended.append(one.passage)
        assert open_alarms == state.alarms
        assert state.audible >= state.alarms - MUTED_BY_FIRE
    assert len(ended) == len(set(ended))
    assert not state.alarms
