"""Who is trained on: nobody who is measured, and nobody twice."""

from __future__ import annotations

from pathlib import Path

from attendance.training.liveness.sets import PAD_AT_MOST, nuaa, pads, webcam


def touched(data: Path, *paths: str) -> Path:
    for path in paths:
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).touch()
    return data


def test_a_person_of_nuaa_is_in_one_part_with_all_pictures(tmp_path: Path) -> None:
    people = [f"{n:04d}" for n in range(1, 17)]
    data = touched(tmp_path, *(f"nuaa/{k}/{p}/{p}_1.jpg" for k in ("ClientRaw", "ImposterRaw") for p in people))
    parts: dict[str, set[str]] = {}
    for source in nuaa(data):
        parts.setdefault(source.person, set()).add(source.part)
    assert all(len(found) == 1 for found in parts.values())
    by_part = {part: sorted(p for p, found in parts.items() if found == {part}) for part in ("threshold", "report")}
    assert by_part["threshold"] == ["nuaa:0011", "nuaa:0012"]
    assert by_part["report"] == [f"nuaa:{n:04d}" for n in range(13, 17)]


def test_sets_that_share_a_person_are_one_group_and_the_threshold_set_is_not_trained_on(tmp_path: Path) -> None:
    sets = ("pad_saikan", "pad_jtboing", "pad_shivam", "pad_neonipun", "pad_tricky", "pad_balveer")
    data = touched(tmp_path, *(f"{s}/{kind}/1.png" for s in sets for kind in ("real", "fake")))
    found = list(pads(data))
    assert len({s.group for s in found if s.set_name in sets[:4]}) == 1
    assert {s.part for s in found if s.set_name == "pad_balveer"} == {"threshold"}
    assert {s.species for s in found} == {"live", "screen"}


def test_a_long_film_is_thinned_evenly(tmp_path: Path) -> None:
    data = touched(tmp_path, *(f"pad_tricky/real/{n:05d}.png" for n in range(3 * PAD_AT_MOST)))
    numbers = [int(s.path[-9:-4]) for s in pads(data)]
    assert len(numbers) == PAD_AT_MOST
    assert (numbers[0], numbers[-1]) == (0, 3 * PAD_AT_MOST - 1)


def test_clips_of_one_person_are_one_person(tmp_path: Path) -> None:
    data = touched(tmp_path, *(f"webcam_clips/_/{clip}.mkv" for clip in ("again", "yes", "walk", "new")))
    people = {source.path: source.person for source in webcam(data)}
    by_clip = {Path(path).stem: person for path, person in people.items()}
    assert by_clip["again"] == by_clip["yes"]
    assert len(set(by_clip.values())) == 3
