"""Commands about the networks: train, export, evaluate, live.

In: folders and numbers.  Out: weights, graphs, cards, tables, written by the modules it calls.
Does not know: networks.  It declares the options and passes them on by name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from attendance.cli.command_line import settings_of
from attendance.console import has_display, needs
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
_threads = click.option(
    "--threads", type=click.IntRange(0, 256), default=0, help="Number of processor threads; 0 uses all."
)
_device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Device to train on; auto uses a GPU if there is one.",
)
_training = _with(
    _data,
    click.option("--out", type=_FOLDER, required=True, help="Folder for the checkpoint, the log and the weights."),
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
    click.option("--start", type=_FILE, help="Begin with the matching weights of this .safetensors file."),
    click.option("--teacher", type=_FILE, multiple=True, help="Teacher network (ONNX) to learn from; repeatable."),
    _device,
    _threads,
)


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    if options.get("epochs") and options.get("samples"):
        raise UserError("give either --epochs or --samples, not both")
    for option in ("size", "size_at_first"):
        size = options.get(option)
        if size is not None and size % 16:
            name = option.replace("_", "-")
            raise UserError(f"--{name} {size} is not a multiple of 16; try {round(size / 16) * 16}")
    if options["data"] is not None and not options["data"].is_dir():
        raise UserError(f"--data: there is no folder {options['data']}")
    start = options.get("start")
    if start is not None and not start.is_file():
        raise UserError(f"--start: there is no file {start}")
    for teacher in options.get("teacher", ()):
        if not teacher.is_file():
            raise UserError(f"--teacher: there is no file {teacher}")
    return options


def _sizes(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Read "256,640" as (256, 640)."""
    try:
        sizes = tuple(dict.fromkeys(int(part) for part in value.split(","))) if value else ()
    except ValueError:
        raise UserError(f"--size {value}: give whole numbers separated by commas, such as 256,640") from None
    for size in sizes:
        if size % 32 or not 64 <= size <= 2048:
            raise UserError(f"--size {size}: give a multiple of 32 from 64 to 2048")
    return sizes


@click.group()
def train() -> None:
    """Train a network (extra: train).  To continue a stopped run, repeat the command."""


@train.command("detector")
@_training
@click.option("--size", "sizes", callback=_sizes, help="Input sizes in px, such as 192,256,320; each batch uses one.")
def train_detector(**options: Any) -> None:
    """Train the face detector on images with boxes and five landmarks."""
    _checked(options)
    with needs("train", *_TRAIN_MODULES):
        from attendance.training import commands

        commands.train_detector(**options)


@train.command("recogniser")
@_training
@click.option("--size", type=click.IntRange(64, 1024), help="Input size in px; a multiple of 16.")
@click.option("--size-at-first", type=click.IntRange(64, 1024), help="Input size in px during the first half.")
def train_recogniser(**options: Any) -> None:
    """Train the recogniser: distillation from --teacher, then ArcFace on labelled people."""
    _checked(options)
    with needs("train", *_TRAIN_MODULES):
        from attendance.training import commands

        commands.train_recogniser(**options)


@click.command()
@click.argument("kind", type=click.Choice(["detector", "recogniser"]))
@click.option("--weights", type=_FILE, required=True, help="The .safetensors file that training wrote.")
@click.option("--out", type=_FOLDER, required=True, help="Folder for the graph, the numbers and the card.")
@click.option("--id", "model_id", required=True, help="The new model_id, such as arcface-effb0-v4.")
@click.option("--size", type=click.IntRange(64, 1024), default=256, show_default=True, help="Input size in px.")
def export(**options: Any) -> None:
    """Export a trained network to ONNX with its card and check it against PyTorch (extra: train)."""
    step = 32 if options["kind"] == "detector" else 16
    if options["size"] % step:
        raise UserError(f"--size {options['size']} is not a multiple of {step}")
    if not options["weights"].is_file():
        raise UserError(f"--weights: there is no file {options['weights']}")
    with needs("train", *_TRAIN_MODULES):
        from attendance.training import commands

        commands.export(**options)


@click.command()
@click.option("--data", type=_FOLDER, required=True, help="Folder with the image sets and their labels.")
@click.option("--out", type=_FOLDER, help="Folder for graph and card; default: the settings' weights folder.")
@click.option("--id", "model_id", required=True, help="The new model_id, such as yolo-effb0-256-v4-int8.")
@click.pass_context
def quantise(context: click.Context, data: Path, out: Path | None, model_id: str) -> None:
    """Quantise the settings' detector to int8 (extra: train).

    It is kept only if it is faster on this computer and loses less than 0.5 points of average precision.
    """
    settings = settings_of(context)
    with needs("train", *_TRAIN_MODULES):
        from attendance.evaluation.detector.quantise import quantise as write_int8

        worth = write_int8(settings, data, out or settings.models.weights, model_id)
    click.echo(f"kept: {worth.words}; use it with models.detector = {model_id}")


@click.group()
def evaluate() -> None:
    """Measure a network on labelled images, through the same path as at the door."""


@evaluate.command("ablation")
@click.argument("kind", type=click.Choice(["detector", "recogniser"]))
@click.option("--data", type=_FOLDER, required=True, help="Folder with the image sets and their labels.")
@click.option("--out", type=_FOLDER, required=True, help="Folder for the weights and the result of each variant.")
@click.option("--only", "names", multiple=True, help="Name of a variant; repeatable.  Default: all.")
@click.option(
    "--samples", type=click.IntRange(min=16), default=6000, show_default=True, help="Training images for each variant."
)
@click.option(
    "--size",
    type=click.IntRange(64, 1024),
    default=160,
    show_default=True,
    help="Input size in px for measuring; for the recogniser also for training.",
)
@click.option("--start", type=_FILE, help="Begin each variant with the matching weights of this .safetensors file.")
@_threads
def evaluate_ablation(**options: Any) -> None:
    """Train variants of a network briefly, each with one choice changed, and measure them.

    A stopped series continues with the variants that are missing.
    """
    _checked(options)
    step = 32 if options["kind"] == "detector" else 16
    if options["size"] % step:
        raise UserError(f"--size {options['size']} is not a multiple of {step}")
    with needs("train", *_TRAIN_MODULES):
        from attendance.evaluation import ablation

        ablation.run(**options)


@evaluate.command("detector")
@_with(
    click.option("--data", type=_FOLDER, help="Folder with the image sets and their labels."),
    click.option("--wider", type=_FOLDER, multiple=True, help="A folder in WIDER FACE's layout; repeatable."),
    click.option(
        "--size", "sizes", callback=_sizes, help="Input sizes in px, such as 256,640; default: detector.input_size."
    ),
    click.option(
        "--peers",
        type=click.Path(path_type=Path),
        multiple=True,
        help="YuNet or SCRFD as ONNX file, or a folder with them; repeatable.",
    ),
    click.option("--out", type=_FILE, help="Write the numbers, with the curves' points, to this JSON file."),
    click.option("--plots", type=_FOLDER, help="Draw precision-recall and recall by face height into this folder."),
    click.option("--keep", type=_FOLDER, help="Keep the detections in this folder; the next run reuses them."),
    click.option("--card", is_flag=True, help="Replace the metrics in the weights' card with these numbers."),
    click.option("--limit", type=click.IntRange(min=1), help="Measure only this many images of each set."),
)
@click.pass_context
def evaluate_detector(context: click.Context, /, **options: Any) -> None:
    """Measure found faces and wrong boxes, beside other detectors."""
    _checked(options)
    if options["data"] is None and not options["wider"]:
        raise UserError("give a folder to measure on, with --data or --wider")
    for peer in options["peers"]:
        if not peer.exists():
            raise UserError(f"--peers: there is no {peer}")
    settings = settings_of(context)
    with needs("train", *_TRAIN_MODULES, "scipy", "matplotlib"):
        from attendance.evaluation.detector import commands

        commands.evaluate_detector(settings=settings, **options)


_results = _with(
    click.option("--out", type=_FILE, help="Write the numbers, with the curves' points, to this JSON file."),
    click.option("--plots", type=_FOLDER, help="Draw curves and histograms into this folder, as PNG and SVG."),
    click.option("--pdf", type=_FILE, help="Write the table and two plots to a PDF page."),
)
_MEASURING = (*_TRAIN_MODULES, "matplotlib")


@evaluate.command("recogniser")
@_with(
    click.option("--data", type=_FOLDER, help="Folder with the image sets and their labels."),
    click.option("--folders", type=_FOLDER, help="Your own images: a folder with a folder for each person."),
    click.option(
        "--peers", type=_FILE, multiple=True, help="Another recogniser (ONNX) to measure beside ours; repeatable."
    ),
    click.option(
        "--degraded",
        type=click.IntRange(0),
        default=250,
        show_default=True,
        help="Number of images to degrade; 0 skips this part.",
    ),
    click.option(
        "--quality",
        is_flag=True,
        help="Also measure which numbers predict errors: error versus reject (doubles the time).",
    ),
    _results,
    click.option("--card", is_flag=True, help="Write the numbers into the weights' card."),
    click.option(
        "--set-threshold",
        type=click.FloatRange(0, 0.1, min_open=True),
        help="Set the card's default_threshold to this false match rate on CelebA's people.",
    ),
    click.option("--limit", type=click.IntRange(min=10), help="Measure only about this many images of each part."),
)
@click.pass_context
def evaluate_recogniser(context: click.Context, /, **options: Any) -> None:
    """Measure how well people are distinguished, 1:1 and 1:N, on good and degraded images."""
    _checked(options)
    if options["data"] is None and options["folders"] is None:
        raise UserError("give a folder to measure on, with --data or --folders")
    _there("--folders", options["folders"])
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation.recogniser import commands

        commands.evaluate_recogniser(settings=settings, **options)


@evaluate.command("verification")
@_with(
    click.option("--pairs", type=_FILE, required=True, help="Lines of image,image,1 (one person) or 0 (two)."),
    click.option("--images", type=_FOLDER, help="Folder with the images; default: the folder of the pairs file."),
    _results,
    click.option("--limit", type=click.IntRange(min=2), help="Measure only the first pairs, this many."),
)
@click.pass_context
def evaluate_verification(context: click.Context, /, **options: Any) -> None:
    """Measure TAR at FAR and the equal error rate over your own pairs (also LFW's pairs.txt)."""
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation.recogniser import commands

        commands.evaluate_verification(settings=settings, **options)


def _numbers(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Read "10,100" as (10, 100)."""
    try:
        sizes = tuple(int(part) for part in value.split(",")) if value else ()
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise UserError(f"--sizes {value}: give whole numbers separated by commas, such as 10,100")
    return sizes


@evaluate.command("identification")
@_with(
    click.option(
        "--gallery", type=_FOLDER, required=True, help="Folder with a folder of images for each enrolled person."
    ),
    click.option(
        "--probes",
        type=_FOLDER,
        required=True,
        help="The same for probes; people who are not in --gallery are strangers.",
    ),
    click.option(
        "--sizes", callback=_numbers, help="Gallery sizes, such as 10,100; default: powers of ten, and everyone."
    ),
    _results,
)
@click.pass_context
def evaluate_identification(context: click.Context, /, **options: Any) -> None:
    """Measure the open set: known people missed if 1 in 1,000, or 1 in 100, strangers gets in."""
    for name in ("gallery", "probes"):
        _there(f"--{name}", options[name])
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation.recogniser import commands

        commands.evaluate_identification(settings=settings, **options)


def _there(option: str, folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise UserError(f"{option}: there is no folder {folder}")


@evaluate.command("clips")
@click.option("--data", type=_FOLDER, required=True, help="Folder with the clips, or one that contains webcam_clips.")
@click.option("--people", "people_file", type=_FILE, help="The person in each clip: lines of clip, tab, person.")
@click.option("--out", type=_FILE, help="Also write the numbers to this JSON file.")
@click.pass_context
def evaluate_clips(context: click.Context, data: Path, people_file: Path | None, out: Path | None) -> None:
    """Enrol people from the first half of their clip and show the second to the daemon: a table of decisions."""
    from attendance.programs.clips import run_clips

    run_clips(settings_of(context), data, people_file, out)


@click.command()
@click.option("--weights", type=_FILE, help="A detector's .safetensors file; default: the settings' detector.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.85,
    show_default=True,
    help="Lowest confidence that counts as a face.",
)
@click.option("--camera", default=0, show_default=True, type=click.IntRange(min=0), help="Number of the webcam.")
@click.pass_context
def live(context: click.Context, weights: Path | None, confidence: float, camera: int) -> None:
    """Show the webcam with boxes and inference time in a window (extras: train, gui)."""
    settings = settings_of(context)
    if not has_display():
        raise UserError(
            "there is no display to open a window on; on a server, watch the log page of the admin site instead"
        )
    file = weights or settings.models.weights / f"{settings.models.detector}.safetensors"
    if not file.is_file():
        raise UserError(f"there is no file {file}; give a detector's .safetensors file with --weights")
    with needs("train", *_TRAIN_MODULES):
        from attendance.models import DetectionModel

        DetectionModel(weights=file).live_test(conf_thresh=confidence, camera=camera)
