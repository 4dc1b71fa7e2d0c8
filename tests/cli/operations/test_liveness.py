"""The liveness drill from clips and with an operator, its signed report, and what is put in force."""

from __future__ import annotations

import json
from typing import Any

import cv2
import pytest

from attendance.daemon import lock
from attendance.programs.liveness import drill as drill_program
from attendance.store.access import liveness
from attendance.store.audit import entries
from attendance.store.session import make_engine, sessions
from tests import factories
from tests.cli.conftest import Here
from tests.fakes import FakeAnalyser
from tests.vision import networks

LIVE, PICTURE = (40, 40, 160), (160, 40, 40)  # BGR: the tiny network takes red for alive, blue for a picture


@pytest.fixture
def there(here: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """An installation with a liveness network, whose analyser takes a colour for a face."""
    networks.write_liveness(here.folder / "weights")
    with here.config.open("a", encoding="utf-8") as file:
        file.write(f'liveness = "{networks.LIVENESS}"\n[camera]\nname = "front"\n')
    monkeypatch.setattr(drill_program, "analyser_for", lambda settings: FakeAnalyser())
    here.good("init")
    return here


def clip(here: Here, name: str, colour: tuple[int, int, int], pictures: int = 4) -> str:
    folder = here.folder / name
    folder.mkdir()
    for number in range(pictures):
        cv2.imwrite(str(folder / f"{number}.png"), factories.make_image(colour))
    return name


def clips(here: Here, rows: list[str]) -> str:
    file = here.folder / "clips.csv"
    file.write_text("\n".join(["species,who,clip", *rows]) + "\n", encoding="utf-8")
    return str(file)


def whole_drill(here: Here) -> str:
    """20 walk-ups of 5 people and 10 attacks of each species; one photo on a phone looks alive."""
    live, picture = clip(here, "live", LIVE), clip(here, "picture", PICTURE)
    rows = [f"live,L{number % 5},{live}" for number in range(20)]
    for species in ("print", "phone", "tablet", "replay"):
        rows += [f"{species},{species}{number},{picture}" for number in range(10)]
    rows[30] = f"phone,phone0,{live}"
    return clips(here, rows)


def report(here: Here) -> dict[str, Any]:
    (path,) = (here.folder / "report").glob("*.json")
    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert "signed by this site" in here.good("acceptance", "verify", str(path))
    return dict(json.loads(path.read_text(encoding="utf-8"))["content"])


def drill(here: Here, *more: str, typed: str | None = None) -> str:
    out = str(here.folder / "report")
    return here.good("liveness", "drill", "--operator", "Ada", "--out", out, *more, typed=typed)


def stored(here: Here) -> tuple[Any, Any, list[str]]:
    made = sessions(make_engine(f"sqlite:///{here.database}"))
    with made() as session:
        (row,) = liveness.drills(session)
        acts = [entry.action for entry in entries.list_entries(session, limit=5)]
        return row.result, liveness.point_at(session, "front", networks.LIVENESS), acts


@pytest.mark.long  # sixty clips are opened one after the other
def test_clips_of_each_species_give_rates_a_signed_report_and_a_point_in_force(there: Here) -> None:
    said = drill(there, "--clips", whole_drill(there), "--apply")

    rates = {rate["species"]: rate for rate in report(there)["rates"]}
    assert {name: (rate["errors"], rate["trials"]) for name, rate in rates.items()} == {
        "live": (0, 20),
        "print": (0, 10),
        "phone": (1, 10),
        "tablet": (0, 10),
        "replay": (0, 10),
    }
    assert (rates["phone"]["low95"], rates["phone"]["high95"]) == (pytest.approx(0.0025, abs=1e-4), 0.445016)
    assert rates["live"]["high95"] == pytest.approx(0.5218, abs=1e-4)  # five people, not twenty
    assert "its operating point is in force" in said
    assert 'set liveness.policy to "step_up"' in said
    result, point, acts = stored(there)
    assert result["enough"]
    assert point is not None
    assert point.source == "drill 1"
    assert "apply_liveness_point" in acts


def test_a_few_trials_are_not_enough_data_and_say_what_is_missing(there: Here) -> None:
    rows = [f"live,L1,{clip(there, 'live', LIVE)}", f"print,P1,{clip(there, 'nobody', factories.NOBODY)}"]
    said = drill(there, "--clips", clips(there, rows), "--apply")
    assert "Not enough data. Trials still missing: living person: 19, printed photo: 10, phone: 10" in said
    assert "no operating point" in said
    content = report(there)
    assert (content["enough"], content["point_found"]) == (False, None)
    assert content["rates"][1]["no_face"] == 1
    assert stored(there)[1] is None


def test_an_operator_is_led_and_may_take_back(there: Here) -> None:
    source = there.folder / clip(there, "live", LIVE)
    typed = "l\nL1\n\ny\np\nP1\n\ny\no\nO1\n\nn\nu\nf\n"
    out = str(there.folder / "report")
    command = ["--set", f"camera.source={source}", "liveness", "drill", "--operator", "Ada", "--out", out]
    said = there.good(*command, typed=typed)
    assert "living person, 20 trials to go" in said
    assert "live L1: looks alive" in said
    assert "taken back: P1" in said
    assert [trial["who"] for trial in report(there)["trials"]] == ["L1"]


def test_a_running_daemon_keeps_its_camera(there: Here) -> None:
    with lock.held(lock.lock_file(there.database, "front"), "process 7", "the camera front"):
        assert "held by process 7" in there.refused("liveness", "drill", "--operator", "Ada")
    assert there.count("liveness_drills") == 0


def test_a_drill_at_a_camera_that_the_site_does_not_have_is_refused_before_anybody_comes(there: Here) -> None:
    """Its operating point would be in force nowhere, and the camera would go on watching."""
    said = there.refused("liveness", "drill", "--operator", "Ada", "--camera", "frnt")
    assert "no camera named frnt" in said and "front" in said
    assert there.count("liveness_drills") == 0


def test_a_list_that_cannot_be_used_names_its_line_and_leaves_nothing(there: Here) -> None:
    clip(there, "live", LIVE, pictures=1)
    out = there.folder / "report"
    for rows, words in (
        (["statue,S1,live"], "line 2: species is live, print, phone, tablet, replay, not 'statue'"),
        (["live,,live"], "line 2: give each person and each instrument a label"),
        (["live,L1,nowhere.mp4"], "line 2: [camera] source: there is no file or folder"),
        ([], "lists no clips"),
    ):
        arguments = ["--operator", "Ada", "--clips", clips(there, rows), "--out", str(out)]
        assert words in there.refused("liveness", "drill", *arguments)
    assert not out.exists()
    assert there.count("liveness_drills") == 0


def test_without_a_network_the_drill_says_what_to_set(here: Here) -> None:
    here.good("init")
    assert "models.liveness names no network" in here.refused(
        "--set", "models.liveness=", "liveness", "drill", "--operator", "Ada"
    )
