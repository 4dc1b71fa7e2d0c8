"""Commands that measure networks: evaluate ablation, detector, liveness, recogniser, verification,
identification, site, before-after, challenge, held-pictures, clips.

In: folders with labelled images and numbers.  Out: tables, plots, files, written by the modules it calls.
Does not know: networks.  It declares the options and passes them on by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from attendance.cli.command_line import settings_of
from attendance.cli.networks import (
    FILE,
    FOLDER,
    TRAIN_MODULES,
    check_options,
    read_sizes,
    require_folder,
    threads,
    with_options,
)
from attendance.console import needs
from attendance.errors import UserError


@click.group()
def evaluate() -> None:
    """Measure a network on labelled images, through the same path as at the door."""


@evaluate.command("ablation")
@click.argument("kind", type=click.Choice(["detector", "recogniser"]))
@click.option("--data", type=FOLDER, required=True, help="Folder with the image sets and their labels.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the weights and the result of each variant.")
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
@click.option("--start", type=FILE, help="Begin each variant with the matching weights of this .safetensors file.")
@threads
def evaluate_ablation(**options: Any) -> None:
    """Train variants of a network briefly, each with one choice changed, and measure them.

    A stopped series continues with the variants that are missing.
    """
    check_options(options)
    step = 32 if options["kind"] == "detector" else 16
    if options["size"] % step:
        raise UserError(f"--size {options['size']} is not a multiple of {step}")
    with needs("train", *TRAIN_MODULES):
        from attendance.evaluation import ablation

        ablation.run(**options)


@evaluate.command("liveness")
@click.option("--data", type=FOLDER, required=True, help="Folder with the packs that train liveness made.")
@click.option("--out", type=FILE, help="Write the numbers to this JSON file.")
@click.option("--card", is_flag=True, help="Put rates and operating point on the network's card.")
@click.option("--tight", is_flag=True, help="Cut the surroundings away first, as a test.")
@click.option("--left-out", metavar="GROUP", help="Report on this group, which the network was not trained on.")
@click.pass_context
def evaluate_liveness(
    context: click.Context, data: Path, out: Path | None, card: bool, tight: bool, left_out: str | None
) -> None:
    """Measure the settings' liveness network by person: attacks let in and live people refused."""
    require_folder("--data", data)
    with needs("train", *TRAIN_MODULES):
        from attendance.evaluation.liveness import commands

        commands.evaluate_liveness(settings_of(context), data, out, card, tight, left_out)


@evaluate.command("liveness-in-turn")
@click.option("--data", type=FOLDER, required=True, help="Folder with the packs that train liveness made.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the runs and in-turn.json.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this run; repeatable.  Default: all.")
@click.option(
    "--samples", type=click.IntRange(min=32), default=9600, show_default=True, help="Training images for each run."
)
@threads
@click.pass_context
def evaluate_liveness_in_turn(
    context: click.Context, data: Path, out: Path, only: tuple[str, ...], samples: int, threads: int
) -> None:
    """Train the liveness network without each group of screens in turn, and measure it on that group.

    Then the same without any screens and without any prints.  A stopped series continues where it stopped.
    """
    require_folder("--data", data)
    with needs("train", *TRAIN_MODULES):
        from attendance.evaluation.liveness.in_turn import in_turn

        in_turn(settings_of(context), data, out, only, samples, threads)


@evaluate.command("detector")
@with_options(
    click.option("--data", type=FOLDER, help="Folder with the image sets and their labels."),
    click.option("--wider", type=FOLDER, multiple=True, help="A folder in WIDER FACE's layout; repeatable."),
    click.option(
        "--size", "sizes", callback=read_sizes, help="Input sizes in px, such as 256,640; default: detector.input_size."
    ),
    click.option(
        "--peers",
        type=click.Path(path_type=Path),
        multiple=True,
        help="YuNet or SCRFD as ONNX file, or a folder with them; repeatable.",
    ),
    click.option("--out", type=FILE, help="Write the numbers, with the curves' points, to this JSON file."),
    click.option("--plots", type=FOLDER, help="Draw precision-recall and recall by face height into this folder."),
    click.option("--keep", type=FOLDER, help="Keep the detections in this folder; the next run reuses them."),
    click.option("--card", is_flag=True, help="Replace the metrics in the weights' card with these numbers."),
    click.option("--limit", type=click.IntRange(min=1), help="Measure only this many images of each set."),
)
@click.pass_context
def evaluate_detector(context: click.Context, /, **options: Any) -> None:
    """Measure found faces and wrong boxes, beside other detectors."""
    check_options(options)
    if options["data"] is None and not options["wider"]:
        raise UserError("give a folder to measure on, with --data or --wider")
    for peer in options["peers"]:
        if not peer.exists():
            raise UserError(f"--peers: there is no {peer}")
    settings = settings_of(context)
    with needs("train", *TRAIN_MODULES, "scipy", "matplotlib"):
        from attendance.evaluation.detector import commands

        commands.evaluate_detector(settings=settings, **options)


_results = with_options(
    click.option("--out", type=FILE, help="Write the numbers, with the curves' points, to this JSON file."),
    click.option("--plots", type=FOLDER, help="Draw curves and histograms into this folder, as PNG and SVG."),
    click.option("--pdf", type=FILE, help="Write the table and two plots to a PDF page."),
)
_MEASURING = (*TRAIN_MODULES, "matplotlib")


@evaluate.command("recogniser")
@with_options(
    click.option("--data", type=FOLDER, help="Folder with the image sets and their labels."),
    click.option("--folders", type=FOLDER, help="Your own images: a folder with a folder for each person."),
    click.option(
        "--peers", type=FILE, multiple=True, help="Another recogniser (ONNX) to measure beside ours; repeatable."
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
    check_options(options)
    if options["data"] is None and options["folders"] is None:
        raise UserError("give a folder to measure on, with --data or --folders")
    require_folder("--folders", options["folders"])
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation.recogniser import commands

        commands.evaluate_recogniser(settings=settings, **options)


@evaluate.command("verification")
@with_options(
    click.option("--pairs", type=FILE, required=True, help="Lines of image,image,1 (one person) or 0 (two)."),
    click.option("--images", type=FOLDER, help="Folder with the images; default: the folder of the pairs file."),
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
@with_options(
    click.option(
        "--gallery", type=FOLDER, required=True, help="Folder with a folder of images for each enrolled person."
    ),
    click.option(
        "--probes",
        type=FOLDER,
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
        require_folder(f"--{name}", options[name])
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation.recogniser import commands

        commands.evaluate_identification(settings=settings, **options)


# What every measurement of a site is asked.
_SITE = (
    click.option("--data", type=FOLDER, help="Folder with the image sets; its nuaa is measured."),
    click.option("--folders", type=FOLDER, help="Your own images: a folder PERSON/SESSION for each session."),
    click.option(
        "--fpir",
        type=click.FloatRange(0, 1, min_open=True),
        default=0.01,
        show_default=True,
        help="Share of strangers that may be let in.",
    ),
)


def _require_one_site(options: Mapping[str, Any]) -> None:
    """Raise UserError unless one folder is given, and is there."""
    if (options["data"] is None) == (options["folders"] is None):
        raise UserError("give one folder to measure on, with --data or --folders")
    for name in ("data", "folders"):
        require_folder(f"--{name}", options[name])


@evaluate.command("site")
@with_options(
    *_SITE,
    click.option(
        "--peers", type=FILE, multiple=True, help="Another recogniser (ONNX) to measure beside ours; repeatable."
    ),
    click.option("--out", type=FILE, help="Write the numbers to this JSON file."),
    click.option("--plots", type=FOLDER, help="Draw the table into this folder, as PNG and SVG."),
    click.option(
        "--grow",
        type=click.IntRange(1, 20),
        multiple=True,
        metavar="NUMBER",
        help="Measure templates that grow instead, so many a person; repeatable.",
    ),
    click.option("--keep", type=FOLDER, help="Keep our recogniser's vectors here; a second run computes none."),
    click.option(
        "--elsewhere",
        type=click.IntRange(1, 20),
        metavar="CAMERAS",
        help="Measure one centre and two instead, with photos from so many other cameras.",
    ),
)
@click.pass_context
def evaluate_site(context: click.Context, /, **options: Any) -> None:
    """Measure a site: people enrolled in one session and met in another, each left out once as the stranger.

    With --grow: enrolled in the first session, templates grow in the next, and people are met in the last one.
    """
    _require_one_site(options)
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation.recogniser import site_run

        site_run.evaluate_site(settings=settings, **options)


@evaluate.command("before-after")
@with_options(
    *_SITE,
    click.option(
        "--weights", type=FILE, multiple=True, help="A recogniser with its card; repeatable.  Default: the settings'."
    ),
    click.option("--keep", type=FOLDER, help="Keep the faces' vectors here; a stopped or second run continues."),
    click.option("--out", type=FILE, help="Write the tables to this file, and the numbers as JSON beside it."),
)
@click.pass_context
def evaluate_before_after(context: click.Context, /, **options: Any) -> None:
    """Show a site before and after each choice: pooling, centre, weights; and stated against measured risk."""
    _require_one_site(options)
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.evaluation.recogniser.comparing import before_after_run

        before_after_run.evaluate_before_after(settings=settings, **options)


@evaluate.command("challenge")
@click.option("--data", type=FOLDER, required=True, help="Folder with a folder of photographs for each person.")
@click.option(
    "--people", "number", type=click.IntRange(4, 1000), default=48, show_default=True, help="How many people try it."
)
@click.option("--real", type=FOLDER, help="Data folder with nuaa and webcam_clips, whose recordings are shown, too.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of how they move.")
@click.option(
    "--share", default="1/1", show_default=True, help="2/3: only the second third, for three at the same time."
)
@click.option("--out", type=FILE, help="Also write the numbers to this JSON file; the trials lie beside it.")
@click.pass_context
def evaluate_challenge(
    context: click.Context, data: Path, number: int, real: Path | None, seed: int, share: str, out: Path | None
) -> None:
    """Ask heads that turn, and prints and screens that are moved, to move as at a door: how many pass.

    With --out a stopped series goes on behind its trials.  Several processes with the same --out and a --share each
    make one series.
    """
    require_folder("--data", data)
    if real is not None:
        require_folder("--real", real)
    settings = settings_of(context)
    with needs("train", *_MEASURING):
        from attendance.programs.liveness.challenges import run_challenges

        run_challenges(settings, data, number, out, seed, real=real, share=_share(share))


def _share(written: str) -> tuple[int, int]:
    """Return the share that "2/3" names; UserError for anything else."""
    which, _slash, of = written.partition("/")
    if not (which.isdecimal() and of.isdecimal() and 1 <= int(which) <= int(of) <= 16):
        raise UserError(f"--share: {written!r} cannot be read: write 1/2 or 2/2, or a share of 16 at most")
    return int(which), int(of)


@evaluate.command("held-pictures")
@click.option("--data", type=FOLDER, required=True, help="Folder with scenes (imagenet1000) and webcam_clips.")
@click.option(
    "--pictures", "number", type=click.IntRange(3, 3000), default=105, show_default=True, help="How many are shown."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of how they are made and moved.")
@click.option("--out", type=FILE, help="Also write the numbers to this JSON file.")
@click.pass_context
def evaluate_held_pictures(context: click.Context, data: Path, number: int, seed: int, out: Path | None) -> None:
    """Show prints, screens and replays in a hand, and living people, to a daemon with liveness and to one without."""
    require_folder("--data", data)
    settings = settings_of(context)
    with needs("train", *_MEASURING), needs("demo", "skimage", "matplotlib"):
        from attendance.programs.liveness.held import run_held

        run_held(settings, data, number, out, seed)


@evaluate.command("clips")
@click.option("--data", type=FOLDER, required=True, help="Folder with the clips, or one that contains webcam_clips.")
@click.option("--people", "people_file", type=FILE, help="The person in each clip: lines of clip, tab, person.")
@click.option("--out", type=FILE, help="Also write the numbers to this JSON file.")
@click.pass_context
def evaluate_clips(context: click.Context, data: Path, people_file: Path | None, out: Path | None) -> None:
    """Enrol people from the first half of their clip and show the second to the daemon: a table of decisions."""
    from attendance.programs.clips import run_clips

    run_clips(settings_of(context), data, people_file, out)
