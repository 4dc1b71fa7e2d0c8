"""What a person is asked to do before the camera, and what does not answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.liveness.challenge import (
    Challenge,
    Ended,
    Hint,
    Look,
    Progress,
    Step,
    Who,
    after,
    at_time,
    begin,
    orders,
    room_for_nearer,
    summary,
)
from attendance.domain.faces import Box
from tests.domain.access.liveness.solid import look
from tests.factories import NOON

L, R, N = Step.LEFT, Step.RIGHT, Step.NEARER
LIMIT = timedelta(seconds=12)


def asked(*steps: Step) -> Progress:
    return begin(Challenge("c1", "door", steps, NOON, LIMIT), look(0))


def watch(progress: Progress, looks: Sequence[Look]) -> Progress:
    for one in looks:
        if progress.ended is not None:
            break
        progress = after(progress, one)
    return progress


def doing(*steps: Step, flat: bool = False, each: float = 2.4, angle: float = 30) -> list[Look]:
    """Looks, five a second, at somebody who does these steps one after the other, whatever is asked."""
    looks = []
    for number in range(int(each * len(steps) * 5)):
        seconds = (number + 1) / 5
        step, share = steps[int(seconds / each - 1e-9)], (seconds - 1e-9) % each / each
        # Reads, moves, holds, moves back.
        moved = min(1.0, max(0.0, (share - 0.2) * 5), max(0.0, (1 - share) * 6))
        if step is N:
            looks.append(look(seconds, nearer=1 + 0.4 * moved, flat=flat))
        else:
            looks.append(look(seconds, yaw=(angle if step is L else -angle) * moved, flat=flat))
    return looks


def following(progress: Progress, angle: float = 30, until: float = 11.0, **more: bool) -> Progress:
    """Somebody who does what is asked, a second after it was."""
    yaw, nearer, seconds = 0.0, 1.0, 0.0
    while progress.ended is None and seconds < until:
        seconds += 0.2
        turned = {L: angle, R: -angle}.get(progress.asked or N, 0.0)
        if seconds - (progress.since - NOON).total_seconds() > 0.8:
            yaw += max(-12.0, min(12.0, turned - yaw))
            nearer += max(-0.1, min(0.1, (1.4 if progress.asked is N else 1.0) - nearer))
        progress = after(progress, look(seconds, yaw=yaw, nearer=nearer, **more))
    return progress


@pytest.mark.parametrize("order", orders(2) + orders(3))
def test_whoever_does_what_is_asked_passes(order: tuple[Step, ...]) -> None:
    progress = following(asked(*order))
    assert progress.ended is Ended.PASSED
    assert [one.step for one in progress.done] == list(order)
    assert all(one["amount"] for one in summary(progress.done))


@pytest.mark.parametrize("order", orders(2))
@pytest.mark.parametrize("other", orders(2))
def test_the_answer_to_another_order_fails(order: tuple[Step, ...], other: tuple[Step, ...]) -> None:
    progress = at_time(watch(asked(*order), doing(*other)), NOON + LIMIT)
    assert (progress.ended is Ended.PASSED) is (order == other)


@pytest.mark.parametrize("order", orders(2))
def test_a_recording_that_does_everything_again_and_again_passes_no_order_but_its_own(order: tuple[Step, ...]) -> None:
    progress = at_time(watch(asked(*order), doing(N, L, R, N, L)), NOON + LIMIT)
    assert (progress.ended is Ended.PASSED) is (order == (N, L))


@given(
    st.sampled_from(orders(2)), st.floats(-55, 55), st.floats(-30, 30), st.floats(-60, 60), st.floats(1, 1.6),
    st.integers(2, 40),
)  # fmt: skip
def test_a_flat_picture_never_passes_however_it_is_moved(
    order: tuple[Step, ...], yaw: float, pitch: float, roll: float, nearer: float, steps: int
) -> None:
    looks = []
    for number in range(55):
        share = min(1.0, (number % steps) / steps)
        pose = {"yaw": yaw * share, "pitch": pitch * share, "roll": roll * share, "nearer": 1 + (nearer - 1) * share}
        looks.append(look((number + 1) / 5, flat=True, **pose))
    assert watch(asked(*order), looks).ended is not Ended.PASSED


@pytest.mark.parametrize("order", orders(2))
def test_a_flat_picture_that_does_as_asked_does_not_pass_either(order: tuple[Step, ...]) -> None:
    assert following(asked(*order), flat=True).ended is not Ended.PASSED


def test_a_picture_that_is_turned_away_is_known_as_flat() -> None:
    assert following(asked(L, R), angle=45, flat=True).ended is Ended.FLAT


def test_coming_nearer_alone_is_never_an_order() -> None:
    for steps in (2, 3, 4):
        assert all({L, R} & set(order) for order in orders(steps))
    with pytest.raises(ValueError, match="two steps"):
        orders(1)
    with pytest.raises(ValueError, match="not an order"):
        Challenge("c1", "door", (N, N), NOON, LIMIT)


def test_without_room_nobody_is_asked_to_come_nearer() -> None:
    assert all(N not in order for order in orders(3, nearer=False))
    assert not room_for_nearer(Box(100, 0, 400, 400), 480, 640)
    assert room_for_nearer(Box(250, 150, 350, 280), 480, 640)


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        (lambda at: look(at, who=Who.OTHER), Ended.OTHER_FACE),
        (lambda at: look(at, x=620), Ended.JUMPED),
        (lambda at: look(at + 1.5), Ended.GONE),
        (lambda at: look(at - 2), Ended.TOO_LATE),  # the clock was set back
    ],
)
def test_another_face_a_jump_and_a_gap_end_it(change: Callable[[float], Look], ended: Ended) -> None:
    progress = watch(asked(L, R), [look(number / 5) for number in range(1, 10)])
    assert progress.ended is None
    assert after(progress, change(2.0)).ended is ended


def test_looks_that_may_show_somebody_else_do_not_count() -> None:
    looks = [look(number / 5, yaw=min(28, 6 * number), who=Who.UNSURE) for number in range(1, 50)]
    progress = watch(asked(L, R), looks)
    assert not progress.done
    assert progress.hint is Hint.NOT_SO_FAR


def turning_too_far(seconds: float, who: Who = Who.UNLIKE) -> list[Look]:
    """Turns within a second to 30 degrees, on to 48, where the face is unlike the first look, and stays there."""
    there = [look(number / 5, yaw=6 * number) for number in range(1, 5)]
    return there + [look(1 + number / 5, yaw=min(30 + 6 * number, 48), who=who) for number in range(int(seconds * 5))]


def test_who_turns_too_far_is_told_so_and_may_turn_back() -> None:
    progress = watch(asked(L, R), turning_too_far(2.0))
    assert (progress.ended, progress.done, progress.hint) == (None, (), Hint.NOT_SO_FAR)
    back = [look(3 + number / 5, yaw=max(28, 48 - 6 * number)) for number in range(1, 8)]
    assert [one.step for one in watch(progress, back).done] == [L]


@pytest.mark.parametrize(
    "looks",
    [
        [look(0.2, who=Who.UNLIKE)],  # somebody who looks ahead, as the person did
        [look(0.2, yaw=8), look(0.4, yaw=14, who=Who.UNLIKE)],  # or has only begun to turn
        [*turning_too_far(2.0), look(3.0, who=Who.UNLIKE)],  # or looks ahead in the end
        turning_too_far(3.0),  # or stays
        turning_too_far(0.4, Who.OTHER),  # or is known, however far the head is turned
    ],
)
def test_somebody_else_is_not_taken_for_a_head_that_turned_too_far(looks: list[Look]) -> None:
    assert watch(asked(L, R), looks).ended is Ended.OTHER_FACE


def test_looks_that_are_unlike_the_first_never_count() -> None:
    """Somebody turned, and a recognised look now and then: the two looks that count are the person's."""
    looks = [look(number / 5, yaw=min(28, 6 * number)) for number in range(1, 4)]
    looks += [look(0.8, yaw=26), *(look(number / 5, yaw=28, who=Who.UNLIKE) for number in range(5, 12))]
    progress = watch(asked(L, R), looks)
    assert (progress.ended, progress.done, progress.right_looks) == (None, (), 1)


def test_a_head_that_wavers_where_it_turned_to_has_turned() -> None:
    turned = [look(number / 5, yaw=5 * number) for number in range(1, 5)]
    nearly = watch(asked(L, R), [*turned, *(look(number / 5, yaw=18.0) for number in range(5, 12))])
    assert not nearly.done
    assert 0.9 * 0.17 < nearly.depth < 0.17
    there = watch(asked(L, R), [*turned, look(1.0, yaw=20.5), look(1.2, yaw=18.0)])
    assert [one.step for one in there.done] == [L]


def test_the_same_pixels_again_do_not_count() -> None:
    looks = [look(number / 5, yaw=min(28, 6 * number), fresh=number < 5) for number in range(1, 12)]
    assert not watch(asked(L, R), looks).done


@pytest.mark.parametrize("yaw", [21, 25, 35])  # the least is just enough to count
def test_pictures_shown_one_after_the_other_do_not_count_since_no_head_leaps(yaw: float) -> None:
    shown = [look(number / 5, yaw=0 if number < 5 else yaw) for number in range(1, 50)]
    progress = watch(asked(L, R), shown)
    assert not progress.done
    assert progress.hint is Hint.SLOWLY


def test_whoever_leapt_may_look_ahead_and_turn_again() -> None:
    leapt = [look(number / 5, yaw=0 if number < 5 else 35) for number in range(1, 9)]
    back = [look(number / 5, yaw=0.0) for number in range(9, 12)]
    again = [look(number / 5, yaw=min(30, 8 * (number - 11))) for number in range(12, 20)]
    assert watch(asked(L, R), leapt + back + again).done


def test_a_head_that_comes_back_fast_has_begun_anew_where_it_looks_ahead() -> None:
    left = [look(number / 5, yaw=min(28, 6 * number)) for number in range(1, 10)]
    progress = watch(asked(L, R), [*left, look(2.0, yaw=14), look(2.2, yaw=-7)])
    assert [one.step for one in progress.done] == [L]
    assert progress.hint is None
    right = [look(2.2 + number / 5, yaw=-7 - 6 * number) for number in range(1, 6)]
    assert watch(progress, right).ended is Ended.PASSED


def test_who_has_turned_far_enough_may_turn_on_fast() -> None:
    looks = [*(look(number / 5, yaw=7 * number) for number in range(1, 4)), look(0.8, yaw=38), look(1.0, yaw=25)]
    assert [one.step for one in watch(asked(L, R), looks).done] == [L]


def test_nobody_moves_before_the_words_can_be_read() -> None:
    assert not watch(asked(L, R), [look(0.1, yaw=15), look(0.15, yaw=26), look(0.2, yaw=28), look(0.25, yaw=28)]).done


def test_the_time_is_limited() -> None:
    still = [look(number / 5) for number in range(1, 70)]
    assert watch(asked(L, R), still).ended is Ended.TOO_LATE


def test_turning_on_after_the_step_is_done_is_not_yet_wrong() -> None:
    """Who turned left and reads «right» late has not answered otherwise than asked."""
    looks = [look(number / 5, yaw=min(40, 5 * number)) for number in range(1, 14)]
    progress = watch(asked(L, R), looks)
    assert [one.step for one in progress.done] == [L]
    assert progress.ended is None


def test_a_challenge_has_one_use() -> None:
    progress = following(asked(L, N))
    with pytest.raises(ValueError, match="ended already"):
        after(progress, look(11))


@pytest.mark.parametrize("first", [look(0, who=Who.UNSURE), look(0, who=Who.OTHER), look(0, fresh=False)])
def test_it_begins_with_a_look_that_shows_the_person(first: Look) -> None:
    with pytest.raises(ValueError, match="recognised"):
        begin(Challenge("c1", "door", (L, R), NOON, LIMIT), first)


def test_who_does_too_little_is_told_so() -> None:
    looks = [look(number / 5, yaw=min(12, 3 * number)) for number in range(1, 13)]
    assert watch(asked(L, R), looks).hint is Hint.FURTHER
