"""Several looks: who is let in after how many of them, and what keeps a door shut."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.consensus import Consensus, Settled
from attendance.domain.access.decision import Decision
from attendance.domain.faces import Box
from attendance.domain.reason import Reason
from tests.factories import NOON

LEFT, RIGHT = Box(100, 100, 200, 220), Box(400, 100, 500, 220)
ANNA, BERT = 1, 2
Face = tuple[Box, Decision]


def matched(person_id: int, score: float = 0.7) -> Decision:
    return Decision(Reason.MATCHED, person_id, score, 0.2, 0.5)


def refused(reason: Reason = Reason.UNKNOWN) -> Decision:
    return Decision(reason, None, 0.3, 0.2, 0.5)


class Door:
    """A consensus that is shown frames every `step` seconds."""

    def __init__(self, step: float = 0.2, frames_needed: int = 3, settle_denial: float = 1.5) -> None:
        seconds = timedelta(seconds=1)
        self.consensus = Consensus(frames_needed, 2 * seconds, 2 * seconds, settle_denial * seconds)
        self.step, self.now = step, 0.0

    def show(self, *faces: Face, frames: int = 1) -> list[Settled]:
        settled = []
        for _ in range(frames):
            settled += self.consensus.add(NOON + timedelta(seconds=self.now), faces)
            self.now += self.step
        return settled

    def story(self, looks: Sequence[Decision], box: Box = LEFT) -> list[Settled]:
        return [one for look in looks for one in self.show((box, look))]


def people(settled: Sequence[Settled]) -> list[int | None]:
    return [one.decision.person_id for one in settled]


def reasons(settled: Sequence[Settled]) -> list[Reason]:
    return [one.decision.reason for one in settled]


def test_three_frames_that_agree_let_one_person_in_once() -> None:
    door = Door()
    assert door.show((LEFT, matched(ANNA)), frames=2) == []
    (settled,) = door.show((LEFT, matched(ANNA)), frames=20)
    assert (settled.decision.person_id, settled.frames, settled.box) == (ANNA, 3, LEFT)
    assert (settled.first_at, settled.last_at) == (NOON, NOON + timedelta(seconds=0.4))


def test_one_frame_is_enough_where_one_is_asked_for() -> None:
    assert people(Door(frames_needed=1).show((LEFT, matched(ANNA)))) == [ANNA]


def test_frames_too_far_apart_do_not_agree() -> None:
    assert Door(step=1.1).show((LEFT, matched(ANNA)), frames=10) == []


def test_an_unknown_look_in_between_starts_the_count_anew() -> None:
    door = Door()
    assert door.story([matched(ANNA), matched(ANNA), refused(), matched(ANNA), matched(ANNA)]) == []
    assert people(door.story([matched(ANNA)])) == [ANNA]


def test_a_lucky_look_in_many_never_adds_up() -> None:
    looks = ([refused()] * 4 + [matched(ANNA)]) * 40
    assert people(Door(step=1 / 15).story(looks)) == [None]


def test_a_poor_picture_in_between_neither_counts_nor_interrupts() -> None:
    blurred = refused(Reason.BLURRED)
    (settled,) = Door().story([matched(ANNA), blurred, matched(ANNA), blurred, matched(ANNA)])
    assert (settled.decision.person_id, settled.frames) == (ANNA, 3)


def test_another_name_within_the_window_keeps_the_door_shut() -> None:
    door = Door()
    assert door.story([matched(BERT)] + [matched(ANNA)] * 9) == []  # Bert was named 2 s before the last look
    assert people(door.story([matched(ANNA)] * 3)) == [ANNA]


def test_a_face_that_keeps_changing_its_name_is_refused_as_ambiguous() -> None:
    assert reasons(Door().story([matched(ANNA), matched(BERT)] * 10)) == [Reason.AMBIGUOUS]


def test_a_stranger_is_refused_once_after_a_while() -> None:
    door = Door()
    assert door.show((LEFT, refused()), frames=7) == []  # 1.2 s
    (settled,) = door.show((LEFT, refused()), frames=50)
    assert (settled.decision.reason, settled.frames) == (Reason.UNKNOWN, 9)
    assert settled.last_at - settled.first_at >= timedelta(seconds=1.5)


def test_a_refusal_needs_as_many_frames_as_a_grant() -> None:
    door = Door(step=1.6)
    assert door.show((LEFT, refused()), frames=2) == []
    assert len(door.show((LEFT, refused()))) == 1


def test_the_most_frequent_reason_is_given() -> None:
    looks = [refused(Reason.UNKNOWN)] * 3 + [refused(Reason.AMBIGUOUS)] * 6
    assert reasons(Door().story(looks)) == [Reason.AMBIGUOUS]


def test_walking_up_out_of_focus_is_no_refusal_before_the_grant() -> None:
    looks = [refused(Reason.TOO_SMALL)] * 9 + [refused()] + [matched(ANNA)] * 3  # poor for 1.6 s
    assert people(Door().story(looks)) == [ANNA]


def test_poor_pictures_alone_are_refused_in_the_end_for_what_is_wrong_with_them() -> None:
    assert reasons(Door().story([refused(Reason.TOO_DARK)] * 13)) == [Reason.TOO_DARK]


def test_a_refusal_may_turn_into_a_grant_but_a_grant_into_no_refusal() -> None:
    looks = [refused()] * 10 + [matched(ANNA)] * 3 + [refused()] * 40
    assert people(Door().story(looks)) == [None, ANNA]


def test_somebody_who_steps_in_front_of_a_granted_person_can_pass_too() -> None:
    door = Door()
    assert people(door.story([matched(ANNA)] * 3)) == [ANNA]
    assert door.story([matched(BERT)] * 10) == []  # Anna was named within the window
    assert people(door.story([matched(BERT)] * 3)) == [BERT]


def test_two_people_side_by_side_are_settled_each_on_their_own() -> None:
    door = Door()
    settled = door.show((LEFT, matched(ANNA)), (RIGHT, refused()), frames=10)
    assert {(one.box, one.decision.person_id) for one in settled} == {(LEFT, ANNA), (RIGHT, None)}


def test_the_order_of_the_faces_in_a_frame_does_not_matter() -> None:
    door = Door()
    faces = [(LEFT, matched(ANNA)), (RIGHT, matched(BERT))]
    settled = [one for number in range(3) for one in door.show(*(faces if number % 2 else faces[::-1]))]
    assert sorted((one.box.x1, one.decision.person_id) for one in settled) == [(100, ANNA), (400, BERT)]


def test_looks_at_two_faces_are_not_added_up() -> None:
    door = Door(frames_needed=4)
    assert door.show((LEFT, matched(ANNA)), (RIGHT, refused()), frames=2) == []
    assert door.show((LEFT, refused()), (RIGHT, matched(ANNA)), frames=2) == []


def test_of_two_faces_taken_for_one_person_only_the_better_counts() -> None:
    settled = Door().show((LEFT, matched(ANNA, 0.6)), (RIGHT, matched(ANNA, 0.8)), frames=10)
    assert {(one.box, one.decision.reason) for one in settled} == {
        (RIGHT, Reason.MATCHED),
        (LEFT, Reason.AMBIGUOUS),
    }


def test_of_two_equal_faces_taken_for_one_person_neither_counts() -> None:
    settled = Door().show((LEFT, matched(ANNA)), (RIGHT, matched(ANNA)), frames=10)
    assert reasons(settled) == [Reason.AMBIGUOUS] * 2


def moved(box: Box, x: float, grow: float = 1.0) -> Box:
    return Box(box.x1 + x, box.y1, box.x1 + x + box.width * grow, box.y1 + box.height * grow)


@pytest.mark.parametrize("step", [20.0, -20.0, 60.0])
def test_somebody_who_walks_is_followed(step: float) -> None:
    door = Door()
    shown = [door.show((moved(RIGHT, step * number, 1 + 0.1 * number), matched(ANNA))) for number in range(3)]
    assert people(shown[2]) == [ANNA]


def test_a_jump_across_the_picture_is_somebody_else() -> None:
    assert Door().show((LEFT, matched(ANNA)), frames=2) == []
    door = Door()
    assert [door.show((box, matched(ANNA))) for box in (LEFT, RIGHT, LEFT)] == [[], [], []]
    assert people(door.show((LEFT, matched(ANNA)))) == [ANNA]  # the left track: two, and now the third


def test_people_who_cross_and_swap_tracks_do_not_pass_on_mixed_looks() -> None:
    door = Door()
    door.show((LEFT, matched(ANNA)), (RIGHT, matched(BERT)), frames=2)
    assert door.show((LEFT, matched(BERT)), (RIGHT, matched(ANNA)), frames=8) == []


def test_a_face_that_was_away_too_long_starts_anew() -> None:
    door = Door()
    door.show((LEFT, matched(ANNA)), frames=3)
    assert door.show(frames=9) == []
    assert door.show((LEFT, matched(ANNA)), frames=3) == []  # 1.8 s away: the same visit
    door.show(frames=11)
    assert people(door.show((LEFT, matched(ANNA)), frames=3)) == [ANNA]


def test_a_clock_that_is_set_back_forgets_everything() -> None:
    door = Door()
    door.show((LEFT, matched(ANNA)), frames=2)
    door.now -= 3600
    assert door.show((LEFT, matched(ANNA)), frames=2) == []
    assert people(door.show((LEFT, matched(ANNA)))) == [ANNA]


names = st.sampled_from([matched(ANNA), matched(ANNA, 0.9), matched(BERT), refused(), refused(Reason.BLURRED)])
frames = st.lists(st.lists(st.tuples(st.sampled_from([LEFT, RIGHT, moved(LEFT, 150)]), names), max_size=4), max_size=40)


@given(frames, st.sampled_from([0.0, 0.1, 0.4, 0.9]))
def test_nobody_passes_without_enough_looks_that_named_them_within_the_window(
    story: list[list[Face]], step: float
) -> None:
    door = Door(step=step)
    for index, faces in enumerate(story):
        for settled in door.show(*faces):
            if not settled.decision.granted:
                continue
            first = max(0, index - int(2 / step)) if step else 0
            recent = [d for past in story[first : index + 1] for _, d in past if d.granted]
            named = [d.person_id for d in recent]
            assert named.count(settled.decision.person_id) >= 3
            assert settled.frames == 3
            assert settled.last_at - settled.first_at <= timedelta(seconds=2)
            assert settled.decision in [decision for _, decision in faces]


@pytest.mark.parametrize("call", [lambda: Door(frames_needed=0), lambda: Door(settle_denial=-1)])
def test_impossible_rules_are_errors(call: object) -> None:
    with pytest.raises(ValueError, match=r"frame|negative"):
        call()  # type: ignore[operator]
