"""The bodies of `manage.py train liveness` and of its export.

In: the options of the command line, the settings.  Out: packs, weights, a graph with a card.
Does not know: losses, crops.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.config import Settings
from attendance.domain.faces import Box
from attendance.errors import UserError
from attendance.models.export import export as export_graph
from attendance.models.export import kind_of
from attendance.training.commands import FOREVER, RESEARCH, device_for
from attendance.training.liveness import pack
from attendance.training.liveness import train as training
from attendance.training.liveness.peer import Peer
from attendance.training.liveness.sets import LIVE_SETS, PAD_GROUPS
from attendance.training.loop import Plan
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.liveness import GREY, NEAR_PX
from attendance.vision.serving import analyser_for
from attendance.vision.weights import Card, save_card, sha256_of

TIGHT = 300_000  # px²: pictures smaller than this may be tight crops, in which a detector needs a rim
RIM = 0.6
CONFIDENCE, FIND_PX = 0.3, 160  # one large face each: a small input finds it in a third of the time
TRAINED_ON = ("nuaa", *PAD_GROUPS, *LIVE_SETS, "generated_a", "generated_c")
EPOCH, EPOCHS = 20_000, 6
ARCHITECTURE = "EfficientNet-B0 trunk to stride 16 over crops of 2.7 and 4.0 face sides, block frequencies"


def finder(settings: Settings, threads: int = 0) -> pack.Find:
    """Return a function that finds the largest face of a picture with the settings' detector."""
    changes = {
        "detector": settings.detector.model_copy(update={"confidence": CONFIDENCE, "input_size": FIND_PX}),
        "models": settings.models.model_copy(update={"threads": threads}),
    }
    analyser = analyser_for(settings.model_copy(update=changes))
    return lambda picture: largest_face(analyser, picture)


def largest_face(analyser: FaceAnalyser, picture: NDArray[np.uint8]) -> Box | None:
    """Return the box of the largest face; small pictures get a grey rim first, since a tight crop has none."""
    height, width = picture.shape[:2]
    rim = int(RIM * max(height, width)) if height * width < TIGHT else 0
    if rim:
        grey = [float(GREY)] * 3
        rimmed = cv2.copyMakeBorder(picture, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=grey)
        picture = np.asarray(rimmed, np.uint8)
    found = analyser.detect(picture)
    if not found:
        return None
    box = max(found, key=lambda face: face.whole.area).whole
    return Box(box.x1 - rim, box.y1 - rim, box.x2 - rim, box.y2 - rim)


def build_packs(settings: Settings, data: Path, teacher: Path | None, simulated: int, threads: int = 1) -> None:
    """Make the packs that a data folder lacks; `teacher`: a folder with graphs to learn from."""
    cv2.setNumThreads(threads)
    peer = None if teacher is None else Peer(teacher, threads)
    pack.build(data, finder(settings, threads), None if peer is None else peer.chance, simulated)


def train_liveness(settings: Settings, **options: Any) -> None:
    """Pack what is missing, train, write `<out>/liveness.safetensors`."""
    device = device_for(options["device"], options["threads"])
    data, out = options["data"], options["out"]
    known = {*PAD_GROUPS.values(), *LIVE_SETS, "nuaa", "simulated", "print", "screen"}
    for group in options["leave_out"]:
        if group not in known:
            raise UserError(f"--leave-out {group}: the groups are {', '.join(sorted(known))}")
    build_packs(settings, data, options["teacher"], options["simulated"], max(1, options["threads"]))
    plan = plan_of(**options)
    start = options["start"] or settings.models.weights / f"{settings.models.detector}.safetensors"
    path = training.train(data, out, plan, device, options["resume"], start, options["leave_out"])
    tqdm.write(f"weights: {path}")


def plan_of(**options: Any) -> Plan:
    """Return how long and how fast by options: samples or epochs, minutes, batch, lr; what is missing has a default."""
    get = options.get
    return Plan(
        samples=get("samples") or int((get("epochs") or EPOCHS) * EPOCH),
        minutes=get("minutes") or FOREVER,
        batch=get("batch") or 32,
        lr=get("lr") or 1e-3,
        ema_decay=0.995,
        log_every=2048,
    )


def export_liveness(weights: Path, out: Path, model_id: str) -> None:
    """Write graph, numbers and card; `evaluate liveness --card` adds what was measured."""
    if kind_of(weights) != "liveness":
        raise UserError(f"{weights} holds a {kind_of(weights)}, not a liveness network")
    worst = export_graph(weights, out, model_id, NEAR_PX)
    files = [f"{model_id}.onnx", f"{model_id}.safetensors"]
    card = Card(
        model_id=model_id,
        kind="liveness",
        architecture=ARCHITECTURE,
        input_size=NEAR_PX,
        sha256={name: sha256_of(out / name) for name in files},
        training_data=[{"name": name, "terms": "research"} for name in TRAINED_ON],
        terms=RESEARCH,
        created=datetime.now(UTC).date().isoformat(),
    )
    save_card(card, out)
    tqdm.write(f"{out / files[0]}: differs from PyTorch by at most {worst:.1g}")
