"""Commands about the networks: train, export, evaluate, live.

In: folders and numbers.  Out: weights, graphs, cards, tables; written by the modules called.
Does not know: a network.  The options are declared here and handed on by name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from attendance.command_line import has_display, needs, settings_of
from attendance.errors import UserError

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_TRAIN_MODULES = ("torch", "torchvision", "onnx", "onnxscript", "safetensors", "tqdm")


def _with(*options: Any) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_data = click.option("--data", type=_FOLDER, required=True, help="Folder with the image sets and their labels.")
_threads = click.option("--threads", type=click.IntRange(0, 256), default=0, help="Processor threads; 0: all.")
_device = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="Where to compute."
)
_training = _with(
    _data,
    click.option("--out", type=_FOLDER, required=True, help="Folder for checkpoint, log and weights."),
    click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="Length in passes over the data."),
    click.option("--samples", type=click.IntRange(min=1), help="Length in images, instead of --epochs."),
    click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Length in minutes, if sooner."),
    click.option("--size", type=click.IntRange(64, 1024), help="Side of the input, px; a multiple of 32."),
    click.option("--batch", type=click.IntRange(min=2), help="Images a step."),
    click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate."),
    click.option("--resume/--no-resume", default=True, show_default=True, help="Go on from --out's checkpoint."),
    click.option("--start", type=_FILE, help="Begin with the numbers of this .safetensors, where they fit."),
    click.option("--teacher", type=_FILE, multiple=True, help="ONNX network to learn from; repeatable."),
    _device,
    _threads,
)


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    if options.get("epochs") and options.get("samples"):
        raise UserError("give --epochs or --samples, not both")
    size = options.get("size")
    if size is not None and size % 16:
        raise UserError(f"--size {size} is no multiple of 16; try {round(size / 16) * 16}")
    if options["data"] is not None and not options["data"].is_dir():
        raise UserError(f"--data: there is no folder {options['data']}")
    start = options.get("start")
    if start is not None and not start.is_file():
        raise UserError(f"--start: there is no file {start}")
    for teacher in options.get("teacher", ()):
        if not teacher.is_file():
            raise UserError(f"--teacher: there is no file {teacher}")
    return options


@click.group()
def train() -> None:
    """Train a network (extra: train).  Stops and goes on by the same command."""


@train.command("detector")
@_training
def train_detector(**options: Any) -> None:
    """Train the face detector on images with boxes and five landmarks."""
    _checked(options)
    with needs("train", *_TRAIN_MODULES):
        from attendance.training import commands

        commands.train_detector(**options)


@train.command("recogniser")
@_training
def train_recogniser(**options: Any) -> None:
    """Train the recogniser: distillation from --teacher, then ArcFace on labelled people."""
    _checked(options)
    with needs("train", *_TRAIN_MODULES):
        from attendance.training import commands

        commands.train_recogniser(**options)


@click.command()
@click.argument("kind", type=click.Choice(["detector", "recogniser"]))
@click.option("--weights", type=_FILE, required=True, help="The .safetensors that training left.")
@click.option("--out", type=_FOLDER, required=True, help="Folder for the graph, the numbers and the card.")
@click.option("--id", "model_id", required=True, help="The model_id, such as arcface-effb0-v2.")
@click.option("--size", type=click.IntRange(64, 1024), default=256, show_default=True, help="Side of the input, px.")
def export(**options: Any) -> None:
    """Write a trained network as ONNX with its card, checked against PyTorch (extra: train)."""
    step = 32 if options["kind"] == "detector" else 16
    if options["size"] % step:
        raise UserError(f"--size {options['size']} is no multiple of {step}")
    if not options["weights"].is_file():
        raise UserError(f"--weights: there is no file {options['weights']}")
    with needs("train", *_TRAIN_MODULES):
        from attendance.training import commands

        commands.export(**options)


_evaluation = _with(
    _data,
    click.option("--out", type=_FILE, help="Write the numbers to this JSON file, too."),
    click.option("--limit", type=click.IntRange(min=1), help="Only the first so many images, for a quick look."),
)


@click.group()
def evaluate() -> None:
    """Measure a network on labelled images, through the same path as at the door."""


@evaluate.command("detector")
@_evaluation
@click.pass_context
def evaluate_detector(context: click.Context, /, **options: Any) -> None:
    """How many faces are found, how many boxes are wrong."""
    _checked(options)
    settings = settings_of(context)
    with needs("train", *_TRAIN_MODULES):
        from attendance.evaluation import commands

        commands.evaluate_detector(settings=settings, **options)


@evaluate.command("recogniser")
@_evaluation
@click.pass_context
def evaluate_recogniser(context: click.Context, /, **options: Any) -> None:
    """How well same and different people are told apart (1:1 and 1:N)."""
    _checked(options)
    settings = settings_of(context)
    with needs("train", *_TRAIN_MODULES):
        from attendance.evaluation import commands

        commands.evaluate_recogniser(settings=settings, **options)


@click.command()
@click.option("--weights", type=_FILE, help="A detector's .safetensors; else the settings' detector.")
@click.option("--confidence", type=click.FloatRange(0, 1), default=0.85, show_default=True, help="Least confidence.")
@click.option("--camera", default=0, show_default=True, type=click.IntRange(min=0), help="Number of the webcam.")
@click.pass_context
def live(context: click.Context, weights: Path | None, confidence: float, camera: int) -> None:
    """A window with the webcam's picture, boxes and inference time (extras: train, gui)."""
    settings = settings_of(context)
    if not has_display():
        raise UserError(
            "there is no display to open a window on; on a server, watch the log page of the admin site instead"
        )
    file = weights or settings.models.weights / f"{settings.models.detector}.safetensors"
    if not file.is_file():
        raise UserError(f"there is no file {file}; name a detector's numbers with --weights")
    with needs("train", *_TRAIN_MODULES):
        from attendance.models import DetectionModel

        DetectionModel(weights=file).live_test(conf_thresh=confidence, camera=camera)
