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
    click.option("--batch", type=click.IntRange(min=2), help="Images a step."),
    click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate."),
    click.option(
        "--optimiser",
        type=click.Choice(["adamw", "muon"]),
        help="Default: muon for the recogniser, adamw for the other.",
    ),
    click.option("--resume/--no-resume", default=True, show_default=True, help="Go on from --out's checkpoint."),
    click.option("--start", type=_FILE, help="Begin with the numbers of this .safetensors, where they fit."),
    click.option("--teacher", type=_FILE, multiple=True, help="ONNX network to learn from; repeatable."),
    _device,
    _threads,
)


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    if options.get("epochs") and options.get("samples"):
        raise UserError("give --epochs or --samples, not both")
    for option in ("size", "size_at_first"):
        size = options.get(option)
        if size is not None and size % 16:
            name = option.replace("_", "-")
            raise UserError(f"--{name} {size} is no multiple of 16; try {round(size / 16) * 16}")
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
    """ "256,640" → (256, 640)."""
    try:
        sizes = tuple(dict.fromkeys(int(part) for part in value.split(","))) if value else ()
    except ValueError:
        raise UserError(f"--size {value}: give whole numbers with commas between, such as 256,640") from None
    for size in sizes:
        if size % 32 or not 64 <= size <= 2048:
            raise UserError(f"--size {size}: a multiple of 32 from 64 to 2048 is needed")
    return sizes


@click.group()
def train() -> None:
    """Train a network (extra: train).  Stops and goes on by the same command."""


@train.command("detector")
@_training
@click.option("--size", "sizes", callback=_sizes, help="Input sizes, px, a batch at one of them: 192,256,320.")
def train_detector(**options: Any) -> None:
    """Train the face detector on images with boxes and five landmarks."""
    _checked(options)
    with needs("train", *_TRAIN_MODULES):
        from attendance.training import commands

        commands.train_detector(**options)


@train.command("recogniser")
@_training
@click.option("--size", type=click.IntRange(64, 1024), help="Side of the input, px; a multiple of 16.")
@click.option("--size-at-first", type=click.IntRange(64, 1024), help="Side of the input in the run's first half, px.")
@click.option(
    "--flat",
    is_flag=True,
    help="One long run at a flat rate with an average of weights, in as many calls as it takes: --minutes bounds a "
    "call, --samples the run; views fully degraded, normalisation folded, no names.  Always goes on from --out.",
)
@click.option(
    "--anneal",
    type=click.IntRange(min=64),
    metavar="SAMPLES",
    help="Anneal a copy of --out's flat run over so many images, in --out/annealed-…; the run itself stays as it is.",
)
@click.option("--frozen", type=click.IntRange(0, 9), help="With --flat: leave the trunk's first so many stages alone.")
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
@click.option("--id", "model_id", required=True, help="The model_id, such as arcface-effb0-v4.")
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


@click.command()
@click.option("--data", type=_FOLDER, required=True, help="Folder with the image sets and their labels.")
@click.option("--out", type=_FOLDER, help="Folder for graph and card; else the settings' weights folder.")
@click.option("--id", "model_id", required=True, help="The new model_id, such as yolo-effb0-256-v4-int8.")
@click.pass_context
def quantise(context: click.Context, data: Path, out: Path | None, model_id: str) -> None:
    """Write the settings' detector in int8, if it is faster here and loses < 0.5 points of AP (extra: train)."""
    settings = settings_of(context)
    with needs("train", *_TRAIN_MODULES):
        from attendance.evaluation.quantise import quantise as run

        worth = run(settings, data, out or settings.models.weights, model_id)
    click.echo(f"kept: {worth.words}; use it with models.detector = {model_id}")


@click.group()
def evaluate() -> None:
    """Measure a network on labelled images, through the same path as at the door."""


@evaluate.command("ablation")
@click.argument("kind", type=click.Choice(["detector", "recogniser"]))
@click.option("--data", type=_FOLDER, required=True, help="Folder with the image sets and their labels.")
@click.option("--out", type=_FOLDER, required=True, help="Folder for each variant's weights and line.")
@click.option("--only", "names", multiple=True, help="A variant's name; repeatable.  Default: all.")
@click.option("--samples", type=click.IntRange(min=16), default=6000, show_default=True, help="Images a variant.")
@click.option(
    "--size",
    type=click.IntRange(64, 1024),
    default=160,
    show_default=True,
    help="Input measured at, px (recogniser: trained at, too).",
)
@click.option("--start", type=_FILE, help="Begin each with the numbers of this .safetensors, where they fit.")
@_threads
def evaluate_ablation(**options: Any) -> None:
    """Train a network briefly, one choice changed at a time, and measure each; goes on where it stopped."""
    _checked(options)
    step = 32 if options["kind"] == "detector" else 16
    if options["size"] % step:
        raise UserError(f"--size {options['size']} is no multiple of {step}")
    with needs("train", *_TRAIN_MODULES):
        from attendance.evaluation import ablation

        ablation.run(**options)


@evaluate.command("detector")
@_with(
    click.option("--data", type=_FOLDER, help="Folder with the image sets and their labels."),
    click.option("--wider", type=_FOLDER, multiple=True, help="A folder in WIDER FACE's layout; repeatable."),
    click.option("--size", "sizes", callback=_sizes, help="Input sizes, px: 256,640.  Default: detector.input_size."),
    click.option("--peers", type=click.Path(path_type=Path), multiple=True, help="YuNet, SCRFD: ONNX or folder."),
    click.option("--out", type=_FILE, help="Write the numbers, with the curves' points, to this JSON file."),
    click.option("--plots", type=_FOLDER, help="Draw precision-recall and recall by face height into this folder."),
    click.option("--keep", type=_FOLDER, help="Keep what was found here: the next run goes on from it."),
    click.option("--card", is_flag=True, help="Write the numbers into the weights' card, in place of its old ones."),
    click.option("--limit", type=click.IntRange(min=1), help="Only each set's first so many images."),
)
@click.pass_context
def evaluate_detector(context: click.Context, /, **options: Any) -> None:
    """How many faces are found, how many boxes are wrong, beside other detectors."""
    _checked(options)
    if options["data"] is None and not options["wider"]:
        raise UserError("name a folder to measure on, with --data or --wider")
    for peer in options["peers"]:
        if not peer.exists():
            raise UserError(f"--peers: there is no {peer}")
    settings = settings_of(context)
    with needs("train", *_TRAIN_MODULES, "scipy", "matplotlib"):
        from attendance.evaluation import commands

        commands.evaluate_detector(settings=settings, **options)


_results = _with(
    click.option("--out", type=_FILE, help="Write the numbers, with the curves' points, to this JSON file."),
    click.option("--plots", type=_FOLDER, help="Draw the curves and histograms into this folder, as PNG and SVG."),
    click.option("--pdf", type=_FILE, help="Write the table and two pictures on one page of PDF."),
)
_MEASURING = (*_TRAIN_MODULES, "matplotlib")


@evaluate.command("recogniser")
@_with(
    click.option("--data", type=_FOLDER, help="Folder with the image sets and their labels."),
    click.option("--folders", type=_FOLDER, help="Any folder with a folder of images for each person."),
    click.option("--peers", type=_FILE, multiple=True, help="Another embedder's ONNX, measured beside; repeatable."),
    click.option(
        "--degraded", type=click.IntRange(0), default=250, show_default=True, help="Images made worse; 0: none."
    ),
    click.option(
        "--quality", is_flag=True, help="Which numbers predict errors: error versus discard (twice the time)."
    ),
    _results,
    click.option("--card", is_flag=True, help="Write the numbers into the weights' card."),
    click.option(
        "--set-threshold",
        type=click.FloatRange(0, 0.1, min_open=True),
        help="Write the card's default_threshold: this false match rate on CelebA's people.",
    ),
    click.option("--limit", type=click.IntRange(min=10), help="Only about so many images of each part, for a look."),
)
@click.pass_context
def evaluate_recogniser(context: click.Context, /, **options: Any) -> None:
    """How well same and different people are told apart, 1:1 and 1:N, on good images and worse."""
    _checked(options)
    if options["data"] is None and options["folders"] is None:
        raise UserError("name a folder to measure on, with --data or --folders")
    _there("--folders", options["folders"])
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation import recognition_commands

        recognition_commands.evaluate_recogniser(settings=settings, **options)


@evaluate.command("verification")
@_with(
    click.option("--pairs", type=_FILE, required=True, help="Lines of image,image,1 (one person) or 0 (two)."),
    click.option("--images", type=_FOLDER, help="Where the images lie; default: beside the file of pairs."),
    _results,
    click.option("--limit", type=click.IntRange(min=2), help="Only the first so many pairs."),
)
@click.pass_context
def evaluate_verification(context: click.Context, /, **options: Any) -> None:
    """TAR at FAR and equal error rate over pairs of your own (LFW's pairs.txt is understood, too)."""
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation import recognition_commands

        recognition_commands.evaluate_verification(settings=settings, **options)


def _numbers(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """ "10,100" → (10, 100)."""
    try:
        sizes = tuple(int(part) for part in value.split(",")) if value else ()
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise UserError(f"--sizes {value}: give whole numbers with commas between, such as 10,100")
    return sizes


@evaluate.command("identification")
@_with(
    click.option("--gallery", type=_FOLDER, required=True, help="A folder of images for each enrolled person."),
    click.option("--probes", type=_FOLDER, required=True, help="The same for looks; other names are strangers."),
    click.option("--sizes", callback=_numbers, help="Gallery sizes, such as 10,100; default: powers of ten, and all."),
    _results,
)
@click.pass_context
def evaluate_identification(context: click.Context, /, **options: Any) -> None:
    """Open set: how many known people are missed where 1 in 1,000, or in 100, strangers is let in."""
    for name in ("gallery", "probes"):
        _there(f"--{name}", options[name])
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation import recognition_commands

        recognition_commands.evaluate_identification(settings=settings, **options)


def _there(option: str, folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise UserError(f"{option}: there is no folder {folder}")


@evaluate.command("site")
@_with(
    click.option("--data", type=_FOLDER, help="Folder with the image sets; its nuaa is measured on."),
    click.option("--folders", type=_FOLDER, help="Instead: any folder PERSON/SESSION/image."),
    click.option("--peers", type=_FILE, multiple=True, help="Another embedder's ONNX, measured beside; repeatable."),
    click.option(
        "--fpir",
        type=click.FloatRange(0, 1, min_open=True),
        default=0.01,
        show_default=True,
        help="Share of strangers that may be let in.",
    ),
    click.option("--out", type=_FILE, help="Write the numbers to this JSON file, too."),
    click.option("--plots", type=_FOLDER, help="Draw the table into this folder, as PNG and SVG."),
)
@click.pass_context
def evaluate_site(context: click.Context, /, **options: Any) -> None:
    """People enrolled in one session and met in another, strangers in turn: how many own people are refused."""
    if (options["data"] is None) == (options["folders"] is None):
        raise UserError("name one folder to measure on, with --data or --folders")
    for name in ("data", "folders"):
        _there(f"--{name}", options[name])
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation import site_run

        site_run.evaluate_site(settings=settings, **options)


@evaluate.command("clips")
@click.option("--data", type=_FOLDER, required=True, help="Folder with the clips, or with webcam_clips in it.")
@click.option("--people", "people_file", type=_FILE, help="Who is in which clip: lines of clip, tab, person.")
@click.option("--out", type=_FILE, help="Write the numbers to this JSON file, too.")
@click.pass_context
def evaluate_clips(context: click.Context, data: Path, people_file: Path | None, out: Path | None) -> None:
    """People enrolled from the first half of a clip are met in the second by the daemon: a table of decisions."""
    from attendance.clips import run_clips

    run_clips(settings_of(context), data, people_file, out)


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
