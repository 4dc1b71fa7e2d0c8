"""Leaving groups out in turn: nobody is measured who was trained on, and a stopped series goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attendance.errors import UserError
from attendance.evaluation.liveness import in_turn
from attendance.evaluation.liveness.in_turn import SCREEN_GROUPS, TURNS, Turn
from attendance.evaluation.liveness.measures import equal_error_rate, error_rate_interval
from attendance.training.liveness.pack import Pack
from attendance.training.liveness.sets import PAD_GROUPS
from attendance.training.liveness.train import Batches

SETS = ("pad_saikan", "pad_tranvan", "pad_tricky", "pad_balveer", "nuaa", "simulated", "lfw")


def packed() -> Pack:
    """A living picture and an attack of each set; of LFW and of the simulation only what they have."""
    kinds = {"nuaa": ("live", "print"), "simulated": ("print", "screen"), "lfw": ("live", "live")}
    species = [kind for name in SETS for kind in kinds.get(name, ("live", "screen"))]
    names = [name for name in SETS for _ in range(2)]
    groups = [PAD_GROUPS.get(name, name) for name in names]
    part = ["threshold" if name == "pad_balveer" else "report" if name == "lfw" else "train" for name in names]
    chance = np.array([0.9 if kind == "live" else 0.2 for kind in species], np.float32)
    blobs = [b""] * len(names)
    columns = (np.array(column) for column in (species, groups, groups, part, names))
    paths = np.array([f"{name}/{number}.png" for number, name in enumerate(names)])
    return Pack(blobs, blobs, *columns, chance, paths)


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.name)
def test_what_a_turn_measures_was_not_trained_on(turn: Turn) -> None:
    faces = packed()
    batches = Batches(faces, turn.left_out, seed=0)
    trained = np.concatenate([rows for kinds in batches._rows.values() for people in kinds.values() for rows in people])
    measured = np.flatnonzero(in_turn.part_of(faces, turn))
    assert len(measured)
    assert not set(faces.person[trained]) & set(faces.person[measured])
    if turn.name in ("screen", "print"):
        assert turn.name not in set(faces.species[trained])
        assert not set(turn.fixed_on) & set(faces.group[measured])


def test_groups_are_pooled_each_by_the_run_that_left_it_out() -> None:
    faces = packed()
    right = np.where(faces.species == "live", 2.0, -2.0)
    wrong = -right
    # Right on what the run left out, wrong on everything else.
    measured = [(turn, np.where(in_turn.part_of(faces, turn), right, wrong)) for turn in TURNS[:3]]
    found = in_turn.pooled(faces, measured)
    assert found is not None
    assert (found.eer, found.peer_eer, found.live, found.attacks, found.people) == (0.0, 0.0, 3, 3, 3)
    assert in_turn.pooled(faces, []) is None


def test_an_unknown_run_is_named() -> None:
    assert [turn.name for turn in in_turn.chosen(["print", "group_a"])] == ["group_a", "print"]
    with pytest.raises(UserError, match="choose from group_a, pad_tranvan, pad_tricky, screen, print, none"):
        in_turn.chosen(["lfw"])
    assert set(SCREEN_GROUPS) < set(PAD_GROUPS.values())


def test_a_run_of_another_length_is_not_mixed_in(tmp_path: Path) -> None:
    asked = (tmp_path, tmp_path / "group_a", TURNS[0], packed(), Path("trunk.safetensors"))
    (tmp_path / "group_a").mkdir()
    (tmp_path / "group_a" / "run.json").write_text('{"samples": 64}')
    with pytest.raises(UserError, match="choose another --out"):
        in_turn._trained(*asked, 32, 1)


def test_the_interval_of_equal_errors_goes_over_people() -> None:
    random = np.random.default_rng(2)
    people = np.repeat([f"p{n}" for n in range(8)], 40)
    # Half of the people are told apart, half are not: frames would give a narrow interval, people a wide one.
    apart = np.repeat([3.0, 0.0] * 4, 40)
    live, attacks = random.normal(0, 1, 320) + apart, random.normal(0, 1, 320) - apart
    found = error_rate_interval(live, attacks, people, people)
    assert found is not None
    assert found[0] < equal_error_rate(live, attacks) < found[1]
    assert found[1] - found[0] > 0.15
    assert error_rate_interval(live[:40], attacks[:40], people[:40], people[:40]) is None
