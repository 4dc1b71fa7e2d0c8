"""Commands that make networks: train, export, quantise; and live, to watch one.

In: folders and numbers.  Out: weights, graphs, cards, written by the modules it calls; the options that `evaluate`
has, too.
Does not know: networks.  It declares the options and passes them on by name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from attendance.cli.command_line import settings_of
from attendance.console import needs
from attendance.errors import UserError

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
TRAIN_MODULES = ("torch", "torchvision", "onnx", "onnxscript", "safetensors", "tqdm")


def with_options(*options: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds these options to a command."""

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


threads = click.option(
    "--threads", type=click.IntRange(0, 256), default=0, help="Number of processor threads; 0 uses all."
)


def check_options(options: dict[str, Any]) -> None:
    """Raise UserError if they contradict each other or a file is missing."""
    if options.get("epochs") and options.get("samples"):
        raise UserError("give either --epochs or --samples, not both")
    for option in ("size", "size_at_first"):
        size = options.get(option)
        if size is not None and size % 16:
            name = option.replace("_", "-")
            raise UserError(f"--{name} {size} is not a multiple of 16; try {round(size / 16) * 16}")
    require_folder("--data", options["data"])
    _require_file("--start", options.get("start"))
    teachers = options.get("teacher") or ()
    for teacher in teachers if isinstance(teachers, tuple) else ():
        _require_file("--teacher", teacher)


def check_flat(options: dict[str, Any]) -> None:
    """Raise UserError if options contradict the recogniser's long run, or need it and it was not asked for."""
    flat = options["flat"] or options["anneal"] is not None
    for name in ("epochs", "size_at_first"):
        if flat and options[name] is not None:
            raise UserError(f"--{name.replace('_', '-')} does not go with --flat or --anneal; remove it")
    if flat and not options["resume"]:
        raise UserError("--flat always goes on from --out; give a new folder with --out to begin a new run")
    if options["frozen"] and not flat:
        raise UserError("--frozen needs --flat")
    if options["blends"] and not options["teacher"]:
        raise UserError("--blends needs --teacher: a new face is of no use without an answer")


def read_sizes(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Read "256,640" as (256, 640)."""
    try:
        sizes = tuple(dict.fromkeys(int(part) for part in value.split(","))) if value else ()
    except ValueError:
        raise UserError(f"--size {value}: give whole numbers separated by commas, such as 256,640") from None
    for size in sizes:
        if size % 32 or not 64 <= size <= 2048:
            raise UserError(f"--size {size}: give a multiple of 32 from 64 to 2048")
    return sizes


def require_folder(option: str, folder: Path | None) -> None:
    """Raise UserError if a folder was given and does not exist."""
    if folder is not None and not folder.is_dir():
        raise UserError(f"{option}: there is no folder {folder}")


def _require_file(option: str, file: Path | None) -> None:
    if file is not None and not file.is_file():
        raise UserError(f"{option}: there is no file {file}")


_data = click.option("--data", type=FOLDER, required=True, help="Folder with the image sets and their labels.")
_device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Device to train on; auto uses a GPU if there is one.",
)
_training = with_options(
    _data,
    click.option("--out", type=FOLDER, required=True, help="Folder for the checkpoint, the log and the weights."),
    click.option(
        "--epochs", type=click.FloatRange(min=0, min_open=True), help="Train for this many passes over the data."
    ),
    click.option("--samples", type=click.IntRange(min=1), help="Train on this many images; replaces --epochs."),
    click.option(
        "--minutes", type=click.FloatRange(min=0, min_open=True), help="Stop after this many minutes at the latest."
    ),
    click.option("--batch", type=click.IntRange(min=2), help="Images in each training step."),
    click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate."),
    click.option(
        "--optimiser",
        type=click.Choice(["adamw", "muon"]),
        help="Optimiser; default: muon for the recogniser, adamw for the detector.",
    ),
    click.option(
        "--resume/--no-resume",
        default=True,
        show_default=True,
        help="Continue from the checkpoint in --out, if there is one.",
    ),
    click.option("--start", type=FILE, help="Begin with the matching weights of this .safetensors file."),
    click.option("--teacher", type=FILE, multiple=True, help="Teacher network (ONNX) to learn from; repeatable."),
    _device,
    threads,
)


@click.group()
def train() -> None:
    """Train a network (extra: train).  To continue a stopped run, repeat the command."""


@train.command("detector")
@_training
@click.option(
    "--size", "sizes", callback=read_sizes, help="Input sizes in px, such as 192,256,320; each batch uses one."
)
def train_detector(**options: Any) -> None:
    """Train the face detector on images with boxes and five landmarks."""
    check_options(options)
    with needs("train", *TRAIN_MODULES):
        from attendance.training import commands

        commands.train_detector(**options)


@train.command("recogniser")
@_training
@click.option("--size", type=click.IntRange(64, 1024), help="Input size in px; a multiple of 16.")
@click.option("--size-at-first", type=click.IntRange(64, 1024), help="Input size in px during the first half.")
@click.option(
    "--flat",
    is_flag=True,
    help="Train one long run at a flat rate, with an average of weights.  --minutes bounds a call, --samples the run.",
)
@click.option(
    "--anneal",
    type=click.IntRange(min=64),
    metavar="SAMPLES",
    help="Anneal a copy of the flat run in --out over this many images; the run itself does not change.",
)
@click.option("--frozen", type=click.IntRange(0, 9), help="With --flat: do not train the trunk's first stages.")
@click.option(
    "--blends",
    type=click.IntRange(min=32),
    metavar="FACES",
    help="First make so many new faces, each of two laid over each other, and ask each --teacher about them.",
)
def train_recogniser(**options: Any) -> None:
    """Train the recogniser: distillation from --teacher, then ArcFace on labelled people."""
    check_options(options)
    check_flat(options)
    with needs("train", *TRAIN_MODULES):
        from attendance.training import commands

        commands.train_recogniser(**options)


@train.command("liveness")
@_data
@click.option("--out", type=FOLDER, required=True, help="Folder for the checkpoint, the log and the weights.")
@click.option(
    "--epochs", type=click.FloatRange(min=0, min_open=True), help="Train for this many times 20,000 images; default: 6."
)
@click.option("--samples", type=click.IntRange(min=1), help="Train on this many images; replaces --epochs.")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="Stop after this many minutes at the latest."
)
@click.option("--batch", type=click.IntRange(min=2), help="Images in each training step.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate.")
@click.option(
    "--resume/--no-resume", default=True, show_default=True, help="Continue from the checkpoint in --out, if any."
)
@click.option("--start", type=FILE, help="Begin with this detector's .safetensors file; default: the settings' one.")
@click.option("--teacher", type=FOLDER, help="Folder with liveness networks (ONNX) whose answers are learned too.")
@click.option(
    "--simulated", type=click.IntRange(min=0), default=6000, show_default=True, help="Number of simulated attacks."
)
@click.option(
    "--leave-out",
    multiple=True,
    metavar="GROUP",
    help="Do not train on this group of sets or kind of attack (print, screen); repeatable.",
)
@_device
@threads
@click.pass_context
def train_liveness(context: click.Context, /, **options: Any) -> None:
    """Train the liveness network on real and simulated attacks, from the trunk of a detector."""
    check_options(options)
    require_folder("--teacher", options["teacher"])
    settings = settings_of(context)
    with needs("train", *TRAIN_MODULES):
        from attendance.training.liveness import commands

        commands.train_liveness(settings, **options)


@click.command()
@click.argument("kind", type=click.Choice(["detector", "recogniser", "liveness"]))
@click.option("--weights", type=FILE, required=True, help="The .safetensors file that training wrote.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the graph, the numbers and the card.")
@click.option("--id", "model_id", required=True, help="The new model_id, such as arcface-effb0-v4.")
@click.option("--size", type=click.IntRange(64, 1024), default=256, show_default=True, help="Input size in px.")
def export(**options: Any) -> None:
    """Export a trained network to ONNX with its card and check it against PyTorch (extra: train)."""
    step = 32 if options["kind"] == "detector" else 16
    if options["size"] % step:
        raise UserError(f"--size {options['size']} is not a multiple of {step}")
    _require_file("--weights", options["weights"])
    with needs("train", *TRAIN_MODULES):
        if options["kind"] == "liveness":
            from attendance.training.liveness.commands import export_liveness

            export_liveness(options["weights"], options["out"], options["model_id"])
            return
        from attendance.training import commands

        commands.export(**options)


@click.command()
@click.option("--data", type=FOLDER, required=True, help="Folder with the image sets and their labels.")
@click.option("--out", type=FOLDER, help="Folder for graph and card; default: the settings' weights folder.")
@click.option("--id", "model_id", required=True, help="The new model_id, such as yolo-effb0-256-v4-int8.")
@click.pass_context
def quantise(context: click.Context, data: Path, out: Path | None, model_id: str) -> None:
    """Quantise the settings' detector to int8 (extra: train).

    It is kept only if it is faster on this computer and loses less than 0.5 points of average precision.
    """
    settings = settings_of(context)
    with needs("train", *TRAIN_MODULES):
        from attendance.evaluation.detector.quantise import quantise as write_int8

        worth = write_int8(settings, data, out or settings.models.weights, model_id)
    click.echo(f"kept: {worth.words}; use it with models.detector = {model_id}")


@click.command()
@click.option("--weights", type=FILE, help="A detector's .safetensors file; default: the settings' detector.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.85,
    show_default=True,
    help="Lowest confidence that counts as a face.",
)
@click.option("--camera", default=0, show_default=True, type=click.IntRange(min=0), help="Number of the webcam.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port of the page for a browser, if no window can be opened; 0 takes a free port.",
)
@click.pass_context
def live(context: click.Context, weights: Path | None, confidence: float, camera: int, port: int) -> None:
    """Show the webcam with boxes and inference time in a window (extras: train, gui).

    Without a display, a browser on this computer can show it.
    """
    settings = settings_of(context)
    file = weights or settings.models.weights / f"{settings.models.detector}.safetensors"
    if not file.is_file():
        raise UserError(f"there is no file {file}; give a detector's .safetensors file with --weights")
    with needs("train", *TRAIN_MODULES):
        from attendance.models import DetectionModel

        DetectionModel(weights=file).live_test(conf_thresh=confidence, camera=camera, port=port)
