"""`evaluate recogniser|verification|identification` from the command line, with tiny real networks and real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from attendance.cli.main import main
from attendance.config import load_settings
from attendance.errors import UserError
from attendance.evaluation.recogniser import embedding, plots
from attendance.evaluation.recogniser.commands import operating_point, read_pairs
from attendance.evaluation.recogniser.protocols import Measurements
from attendance.vision.weights import load_card, save_card
from tests.vision import networks

PEOPLE = 12


def portrait(person: int, photo: int) -> NDArray[np.uint8]:
    """A bright block, a face to the tiny detector; the wall's colour tells the tiny recogniser who it is."""
    random = np.random.default_rng(person)
    wall = random.integers(0, 120, 3)
    image = np.zeros((256, 256, 3), np.uint8) + wall.astype(np.uint8)
    image[112:144, 112:144] = 240 - 3 * photo
    return image


def write(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


@pytest.fixture
def data(here: Path) -> Path:
    """LFW and CelebA in small: the same layout, other faces."""
    data = here / "data"
    lines = ["2\t3"]
    for person in range(PEOPLE):
        name = f"Person_{person}"
        for photo in (1, 2) if person < 8 else (1,):
            write(data / "lfw" / name / f"{name}_{photo:04d}.jpg", portrait(person, photo))
    for person in range(8):
        lines.append(f"Person_{person}\t1\t2")
        lines.append(f"Person_{person}\t1\tPerson_{person + 4}\t1")
    (data / "lfw_pairs" / "_").mkdir(parents=True)
    (data / "lfw_pairs" / "_" / "pairs.txt").write_text("\n".join(lines) + "\n")
    rows, paths = ["image identity"], []
    for number in range(1, 41):
        file = f"{number:06d}.jpg"
        write(data / "celeba_crops" / "_" / file, portrait(number % 10, number // 10))
        rows.append(f"{file} {5 * (number % 10) if number <= 30 else 7}")  # person 7 is learned from
        paths.append(f"celeba_crops/_/{file}".encode())
    (data / "celeba_identities" / "_").mkdir(parents=True)
    (data / "celeba_identities" / "_" / "identity_CelebA.txt").write_text("\n".join(rows))
    (data / "labels").mkdir()
    np.savez(data / "labels" / "celeba_crops.npz", path=np.array(paths))
    return data


def run(here: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, ["--config", str(here / "config.toml"), "evaluate", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def good(here: Path, *arguments: str) -> dict[str, Any]:
    result = run(here, *arguments)
    assert result.exit_code == 0, result.output
    numbers = json.loads(result.stdout)
    assert isinstance(numbers, dict)
    return numbers


def refused(here: Path, *arguments: str) -> str:
    result = run(here, *arguments)
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.strip().split("\n") if line.startswith("error: ")]
    return line


@pytest.mark.parametrize("pictures", ["stamps", pytest.param("whole", marks=pytest.mark.long)])
def test_everything_is_measured_in_one_run_beside_another_network(
    here: Path, data: Path, pictures: str, request: pytest.FixtureRequest
) -> None:
    if pictures == "stamps":
        request.getfixturevalue("stamps")
    other = networks.write_recogniser(here, "theirs", size=64)
    (here / "theirs.json").unlink()  # no card
    numbers = good(
        here,
        *("recogniser", "--data", str(data), "--peers", str(here / other.graph), "--degraded", "12"),
        *(
            "--quality",
            "--plots",
            str(here / "plots"),
            "--pdf",
            str(here / "page.pdf"),
            "--out",
            str(here / "all.json"),
        ),
    )
    assert numbers["model_id"] == networks.RECOGNISER
    assert numbers["lfw"]["pairs"] == 16 and numbers["lfw"]["pairs_without_both_faces"] == 0
    assert {"accuracy", "standard_error", "tar_at_far_0.01", "tar_at_far_0.001"} <= set(numbers["lfw"])
    assert [row["gallery"] for row in numbers["lfw_open_set"]["rows"]] == [8, 8]
    assert numbers["lfw_open_set"]["rows"][0]["strangers"] == 4
    celeba = numbers["celeba_measured"]
    assert (celeba["people"], celeba["images"]) == (10, 30)  # nobody who was learned from
    assert celeba["tar_at_far_0.001"]["genuine"] == 30
    conditions = numbers["degraded"]["conditions"]
    assert list(conditions) == ["clean", "48 px", "32 px", "24 px", "blur", "dark", "mask"]
    assert conditions["dark"]["images_without_a_face"] == 12  # and so:
    assert conditions["dark"].get("tar_at_far_0.001", {"rate": 0})["rate"] == 0
    assert "flip agreement" in numbers["quality"]["clean"]
    assert set(numbers["peers"]) == {"theirs"}
    assert set(numbers["peers"]["theirs"]) >= {"lfw", "lfw_open_set", "celeba_measured", "degraded"}
    assert "embedding norm" in numbers["peers"]["theirs"]["quality"]["clean"]
    assert (here / "page.pdf").read_bytes().startswith(b"%PDF")
    assert b"/Count 1" in (here / "page.pdf").read_bytes()
    assert "curve" in json.loads((here / "all.json").read_text())["quality"]["clean"]["flip agreement"]
    assert "curve" not in numbers["quality"]["clean"]["flip agreement"]


@pytest.mark.long
def test_every_kind_of_number_has_its_picture(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cell = {"rate": 0.9, "interval95_people": [0.8, 0.95]}
    rows = [{"gallery": size, "fpir": 0.01, "fnir": 0.1, "interval95_people": [0.05, 0.2]} for size in (10, 100)]
    curves = {"sharpness": {"curve": [0.1] * 31, "use": 0.0}, "flip agreement": {"curve": [0.0] * 31, "use": None}}
    numbers = {
        "lfw_open_set": {"rows": rows},
        "degraded": {"conditions": {"clean": {"tar_at_far_0.001": cell}, "dark": {"images_without_a_face": 9}}},
        "quality": {"clean": curves, "all_conditions": curves},
    }
    scores = random.normal(0.6, 0.1, 50), random.normal(0.1, 0.1, 500)
    apart = np.ones(5), np.zeros(5)  # without an error there is no logarithm of one
    measured = Measurements({"ours": numbers}, {"lfw": {"ours": scores}, "pairs": {"ours": apart}})
    written = {path.name for path in plots.draw_all(measured, tmp_path)}
    assert written == {path.name for path in tmp_path.iterdir()}
    stems = ("lfw_det", "lfw_roc", "lfw_scores", "pairs_det", "lfw_open_set", "degraded", "quality_ours")
    assert written >= {f"{stem}.{end}" for stem in stems for end in ("png", "svg")}


def test_no_image_is_embedded_twice(here: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[Path, str]] = []
    real = embedding.ImageEmbeddings._embed

    def counted(self: embedding.ImageEmbeddings, path: Path, condition: str) -> embedding.EmbeddedFace | None:
        looked.append((path, condition))
        return real(self, path, condition)

    monkeypatch.setattr(embedding.ImageEmbeddings, "_embed", counted)
    good(here, "recogniser", "--data", str(data), "--degraded", "5")
    assert len(looked) == len(set(looked))
    assert sum(condition == "clean" for _, condition in looked) == 20 + 30


def test_metrics_go_into_the_card_and_its_operating_points_stay(here: Path, data: Path) -> None:
    folder = here / "weights"
    before = replace(
        load_card(folder, networks.RECOGNISER),
        operating_points={"default_threshold": 0.4, "more": 1},
        metrics={"kept": {"x": 1}},
    )
    save_card(before, folder)
    good(here, "recogniser", "--data", str(data), "--degraded", "0", "--card")
    after = load_card(folder, networks.RECOGNISER)
    assert after.operating_points == before.operating_points
    assert after.metrics["kept"] == {"x": 1} and after.metrics["lfw"]["pairs"] == 16
    assert replace(after, metrics={}) == replace(before, metrics={})


def test_a_threshold_is_set_for_a_rate_of_false_matches_and_the_rest_of_the_card_stays(here: Path, data: Path) -> None:
    folder = here / "weights"
    save_card(replace(load_card(folder, networks.RECOGNISER), operating_points={"more": 1}), folder)
    numbers = good(here, "recogniser", "--data", str(data), "--degraded", "0", "--set-threshold", "0.05")
    points = load_card(folder, networks.RECOGNISER).operating_points
    measured = numbers["celeba_measured"]["tar_at_far_0.05"]["threshold"]
    assert points["more"] == 1
    assert measured <= points["default_threshold"] <= measured + 0.001
    assert points["protocol"].startswith("FMR 0.05 (")
    assert load_card(folder, networks.RECOGNISER).metrics == {}


def test_a_threshold_that_too_few_impostors_stand_behind_is_not_written(here: Path, data: Path) -> None:
    before = (here / "weights" / f"{networks.RECOGNISER}.json").read_bytes()
    line = refused(here, "recogniser", "--data", str(data), "--degraded", "0", "--set-threshold", "1e-4")
    assert "needs 100,000 impostor pairs, but there are only 405" in line
    assert (here / "weights" / f"{networks.RECOGNISER}.json").read_bytes() == before


def test_a_threshold_is_rounded_up_and_never_down() -> None:
    cell = {"threshold": 0.5121, "impostor": 10**6, "genuine": 100, "rate": 0.5}
    assert operating_point({"tar_at_far_0.001": cell, "people": 9}, 1e-3)["default_threshold"] == 0.513
    cell["threshold"] = 0.512
    assert operating_point({"tar_at_far_0.001": cell, "people": 9}, 1e-3)["default_threshold"] == 0.512
    with pytest.raises(UserError, match="choose a larger rate"):
        operating_point({"people": 9}, 1e-3)


def test_a_site_measures_its_own_people_from_folders(here: Path) -> None:
    for person in range(8):
        for photo in range(3):
            write(here / "own" / f"person {person}" / f"{photo}.png", portrait(person, photo))
    (here / "own" / "person 0" / "notes.txt").write_text("no image")
    numbers = good(here, "recogniser", "--folders", str(here / "own"))
    assert numbers["folders"]["images"] == 24
    assert numbers["folders"]["tar_at_far_0.01"]["genuine"] == 8 * 3
    assert numbers["folders"]["tar_at_far_0.01"]["impostor"] == 24 * 23 // 2 - 24
    rows = numbers["folders_open_set"]["rows"]
    assert {row["gallery"] for row in rows} == {4} and rows[0]["strangers"] == 12


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("recogniser",), "give a folder to measure on"),
        (("recogniser", "--folders", "nowhere"), "there is no folder"),
        (("recogniser", "--folders", "weights"), "a folder of images for each person"),
        (("recogniser", "--data", "weights"), "holds neither"),
        (("recogniser", "--data", "weights", "--card", "--limit", "10"), "leave it out"),
        (("recogniser", "--data", "weights", "--peers", "config.toml"), "is not an .onnx file"),
        (("verification", "--pairs", "nowhere.csv"), "cannot read"),
        (("identification", "--gallery", "weights", "--probes", "nowhere"), "there is no folder"),
        (("identification", "--gallery", "weights", "--probes", "weights", "--sizes", "ten"), "whole numbers"),
    ],
)
def test_wrong_input_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(here)
    assert says in refused(here, *arguments)


@pytest.mark.usefixtures("stamps")
def test_a_file_of_pairs_is_measured(here: Path) -> None:
    lines = ["left,right,same"]
    for person in range(6):
        for photo in (0, 1):
            write(here / f"{person}" / f"{photo}.png", portrait(person, photo))
        lines += [f"{person}/0.png,{person}/1.png,1", f"{person}/0.png,{(person + 1) % 6}/0.png,0"]
    write(here / "0" / "nothing.png", np.zeros((64, 64, 3), np.uint8))
    lines.append("0/0.png,0/nothing.png,1")
    (here / "pairs.csv").write_text("\n".join(lines))
    card = replace(load_card(here / "weights", networks.RECOGNISER), operating_points={"default_threshold": 0.5})
    save_card(card, here / "weights")
    numbers = good(here, "verification", "--pairs", str(here / "pairs.csv"), "--pdf", str(here / "v.pdf"))["pairs"]
    assert (numbers["pairs"], numbers["pairs_without_both_faces"]) == (13, 1)
    assert numbers["tar_at_far_0.01"]["genuine"] == 7
    assert numbers["tar_at_far_0.01"]["beyond_the_data"] is True
    assert numbers["at_default_threshold"]["false_non_matches"] == {"count": 1, "of": 7} | {
        "interval95_pairs": numbers["at_default_threshold"]["false_non_matches"]["interval95_pairs"]
    }
    assert 0 <= numbers["equal_error_rate"]["rate"] <= 1
    assert (here / "v.pdf").read_bytes().startswith(b"%PDF")


def test_lfws_own_file_of_pairs_is_understood(data: Path) -> None:
    pairs = read_pairs(data / "lfw_pairs" / "_" / "pairs.txt", data / "lfw")
    folder = data / "lfw" / "Person_0"
    assert pairs[0] == (folder / "Person_0_0001.jpg", folder / "Person_0_0002.jpg", True)
    assert len(pairs) == 16


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.png,b.png,1\na.png,b.png\n", "line 2: expected image,image,1"),
        ("a.png,b.png,1\na.png,b.png,maybe\n", "line 2: expected image,image,1"),
        ("a.png,gone.png,1\n", "which does not exist"),
        ("a.png,b.png,1\n", "pairs of one person and pairs of two"),
        ("", "pairs of one person and pairs of two"),
    ],
)
def test_a_wrong_file_of_pairs_says_where(tmp_path: Path, text: str, says: str) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(UserError, match=says):
        read_pairs(tmp_path / "pairs.csv", tmp_path)


@pytest.mark.usefixtures("stamps")
def test_strangers_and_enrolled_people_are_looked_for_in_a_gallery(here: Path) -> None:
    for person in range(PEOPLE):
        if person < 5:
            write(here / "gallery" / f"{person}" / "0.png", portrait(person, 0))
        write(here / "probes" / f"{person}" / "1.png", portrait(person, 1))
    arguments = ("identification", "--gallery", str(here / "gallery"), "--probes", str(here / "probes"))
    found = good(here, *arguments, "--sizes", "3,5", "--plots", str(here / "plots"), "--pdf", str(here / "i.pdf"))
    rows = found["identification"]["rows"]
    assert [(row["gallery"], row["fpir"]) for row in rows] == [(3, 0.001), (3, 0.01), (5, 0.001), (5, 0.01)]
    assert rows[-1]["probes_of_enrolled_people"] == 5 and rows[-1]["strangers"] == 7
    assert {path.name for path in (here / "plots").iterdir()} >= {"identification.svg", "identification_det.png"}
    assert (here / "i.pdf").read_bytes().startswith(b"%PDF")
    assert "the gallery holds 5 people" in refused(here, *arguments, "--sizes", "6")
    assert "both kinds are needed" in refused(here, *arguments[:3], "--probes", str(here / "gallery"))


def test_a_peer_that_is_no_embedder_is_refused_before_anything_is_measured(here: Path) -> None:
    settings = load_settings(here / "config.toml")
    with pytest.raises(UserError, match="is not a recogniser"):
        embedding.embeddings_for(settings, [here / "weights" / f"{networks.DETECTOR}.onnx"])
    (here / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(UserError, match="cannot be loaded"):
        embedding.embeddings_for(settings, [here / "broken.onnx"])
