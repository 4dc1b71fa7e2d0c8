"""The bodies of `manage.py train …` and `manage.py export`.

In: the options of the command line.  Out: weights in a folder; a graph with a card.
Does not know: losses, scenes (the modules beside this one).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from attendance.errors import UserError
from attendance.models.export import architecture_of, kind_of
from attendance.models.export import export as export_graph
from attendance.training import protocol
from attendance.training.detector import train as detector_training
from attendance.training.loop import Plan
from attendance.training.recogniser import flat as flat_training
from attendance.training.recogniser import train as recogniser_training
from attendance.training.recogniser.steady import Steady
from attendance.vision.weights import Card, save_card, sha256_of

RESEARCH = "research and evaluation only, as the sets' own terms say; train on your own consented images for more"
EPOCH_FACES, EPOCH_SCENES, EPOCHS = 60_000, 12_000, 30
SCENE_SIZES = (192, 256, 256, 256, 256, 320, 512, 640)  # mostly what is served; one size only: docs/LOG.md
FOREVER = 1e9


def device_for(name: str, threads: int) -> torch.device:
    """Return the device that `--device` names and set the number of threads; UserError without a GPU."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch finds no GPU; use --device cpu or auto")
    torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def _plan(options: dict[str, Any], epoch: int, batch: int, lr: float, optimiser: str) -> Plan:
    samples = options.get("samples") or int((options.get("epochs") or EPOCHS) * epoch)
    return Plan(
        samples=max(samples, 1),
        minutes=options.get("minutes") or FOREVER,
        batch=options.get("batch") or batch,
        lr=options.get("lr") or lr,
        ema_decay=0.998,
        optimiser=options.get("optimiser") or optimiser,
    )


def train_detector(**options: Any) -> None:
    """Train on scenes from `--data`; write `<out>/detector.safetensors`."""
    device = device_for(options["device"], options["threads"])
    data: Path = options["data"]
    if not (data / "labels").is_dir():
        raise UserError(f"{data} has no folder labels with boxes and landmarks: see docs/your-own-networks.md")
    plan = _plan(options, EPOCH_SCENES, 16, 1.5e-3, "adamw")
    sizes = options.get("sizes") or SCENE_SIZES
    path = detector_training.train(data, options["out"], plan, sizes, device, options["resume"], options["start"])
    tqdm.write(f"weights: {path}")


def train_recogniser(**options: Any) -> None:
    """Train on crops from `--data` and the embeddings of `--teacher`; write `<out>/recogniser.safetensors`."""
    device = device_for(options["device"], options["threads"])
    data: Path = options["data"]
    packs = [s for s in protocol.RECOGNISER_SETS if (data / "packs" / f"{s}.teacher.npy").exists()]
    if options["teacher"]:
        from attendance.training.recogniser import blends, face_packs

        face_packs.build(data, options["teacher"])
        if options.get("blends"):
            blends.build(data, options["teacher"], options["blends"])
    elif not packs:
        raise UserError(f"{data} has no packs of crops yet: give a teacher's ONNX file with --teacher to make them")
    size = options.get("size") or 112  # served at the size trained at: docs/LOG.md
    if options.get("flat") or options.get("anneal"):
        tqdm.write(f"weights: {_flat(device, size, options)}")
        return
    sizes = ((0.0, options["size_at_first"]), (0.5, size)) if options.get("size_at_first") else ((0.0, size),)
    plan = _plan(options, EPOCH_FACES, 64, 1.5e-3, "muon")  # docs/LOG.md
    path = recogniser_training.train(data, options["out"], plan, sizes, device, options["resume"], options["start"])
    tqdm.write(f"weights: {path}")


def _flat(device: torch.device, size: int, options: dict[str, Any]) -> Path:
    """Train the long run, or anneal a copy of it."""
    given = {name: options.get(name) for name in ("batch", "lr", "minutes", "samples", "anneal", "optimiser")}
    plan = Steady(**{name: value for name, value in given.items() if value is not None})
    data, out, start = options["data"], options["out"], options["start"]
    return flat_training.train(data, out, plan, size, device, start, options.get("frozen") or 0)


def export(**options: Any) -> None:
    """Write graph, numbers and card of `--weights` into `--out`; `evaluate --card` adds the card's metrics."""
    weights, out, model_id, size = options["weights"], options["out"], options["model_id"], options["size"]
    kind = options["kind"]
    if kind_of(weights) != kind:
        raise UserError(f"{weights} holds a {kind_of(weights)}, not a {kind}")
    worst = export_graph(weights, out, model_id, size)
    files = [f"{model_id}.onnx", f"{model_id}.safetensors"]
    sets = protocol.DETECTOR_SETS if kind == "detector" else protocol.RECOGNISER_SETS
    card = Card(
        model_id=model_id,
        kind=kind,
        architecture=architecture_of(weights),
        input_size=size,
        sha256={name: sha256_of(out / name) for name in files},
        embedding_dim=384 if kind == "recogniser" else None,
        training_data=[{"name": name, "terms": "research"} for name in sets],
        terms=RESEARCH,
        created=datetime.now(UTC).date().isoformat(),
    )
    save_card(card, out)
    tqdm.write(f"{out / files[0]}: differs from PyTorch by at most {worst:.1g}")
