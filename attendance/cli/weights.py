"""Commands about weights and their cards.

In: the weights folder.  Out: a verdict on each file; a card for another project's network.
Does not know: what a network computes.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click

from attendance.cli.command_line import settings_of
from attendance.console import needs, table
from attendance.errors import UserError, first_line

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
FEWEST_NUMBERS = 16  # the smallest face embedders that are published give 64; with one, every cosine is 1 or -1


@click.group()
def weights() -> None:
    """Check and describe the networks' files and cards."""


@weights.command("verify")
@click.pass_context
def verify(context: click.Context) -> None:
    """Compare every network in the weights folder with its card; exit code 2 if one does not match."""
    from attendance.vision.weights import WeightsError, load_card
    from attendance.vision.weights import verify as compare

    settings = settings_of(context).models
    used = (settings.detector, settings.recogniser)
    names = sorted({path.stem for path in settings.weights.glob("*.json")} | set(used))
    rows: list[tuple[str, str, str, str]] = []
    wrong: list[str] = []
    for name in names:
        try:
            card = load_card(settings.weights, name)
            compare(card, settings.weights)
            rows.append((name, card.kind, "in use" if name in used else "", "good"))
        except WeightsError as error:
            rows.append((name, "", "in use" if name in used else "", "WRONG"))
            wrong.append(str(error))
    click.echo(table(rows, ("model_id", "kind", "", "files")))
    if wrong:
        raise UserError("; ".join(wrong))


@weights.command("show")
@click.argument("model_id", required=False)
@click.pass_context
def show(context: click.Context, model_id: str | None) -> None:
    """Print the card of MODEL_ID, or of the two networks in use: metrics, training data, terms."""
    from attendance.vision.weights import load_card

    settings = settings_of(context).models
    for name in (model_id,) if model_id else (settings.detector, settings.recogniser):
        load_card(settings.weights, name)  # raises an error if the card is not valid
        click.echo((settings.weights / f"{name}.json").read_text(encoding="utf-8"), nl=False)


@weights.command("card")
@click.argument("graph", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--kind", type=click.Choice(["recogniser", "detector"]), default="recogniser", help="What the network is."
)
@click.option(
    "--architecture", default="unknown", show_default=True, help="The network's architecture, in a few words."
)
@click.option("--bgr", is_flag=True, help="The network expects BGR; default: RGB.")
@click.option("--mean", type=float, default=127.5, show_default=True, help="Mean to subtract from each value 0 to 255.")
@click.option("--std", type=float, default=127.5, show_default=True, help="Divisor after that.")
@click.option("--size", type=int, help="Input size in px, if the graph leaves it open.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Threshold (a cosine); default: set later.",
)
@click.option("--terms", required=True, help="Who made the network, and the terms of use.")
@click.option("--replace", is_flag=True, help="Replace an existing card.")
def make_card(graph: Path, **given: Any) -> None:
    """Write the card of GRAPH, an .onnx file in the weights folder.

    A recogniser must take aligned faces (ArcFace's five points) and output one embedding.
    """
    if not given["terms"].strip():
        raise UserError("--terms: say who made the network, and the terms of use")
    if not graph.is_file():
        raise UserError(f"there is no file {graph}")
    if graph.suffix != ".onnx":
        raise UserError(f"{graph} is not an .onnx file")
    target = graph.with_suffix(".json")
    if target.exists() and not given["replace"]:
        raise UserError(f"{target} exists already; to replace it add --replace")
    card = _card_of(graph, given)
    from attendance.vision.weights import save_card

    save_card(card, graph.parent)
    setting = f"models.{card.kind} = {card.model_id}"
    click.echo(f"{target}: input {card.input_size} px, embedding {card.embedding_dim}; to use it set {setting}")


@weights.command("list")
@click.pass_context
def list_known(context: click.Context) -> None:
    """List the recognisers that `weights get` can fetch: size, licence, accuracy.

    Nothing is fetched.
    """
    from attendance.vision.embedders.catalogue import KNOWN

    settings = settings_of(context).models
    for one in KNOWN.values():
        state = (
            "in use" if one.name == settings.recogniser else "fetched" if _is_here(settings.weights, one.name) else ""
        )
        click.echo(f"{one.name}  {state}".rstrip())
        click.echo(f"  {one.words}; {one.size / 1e6:.1f} MB, {one.dim} numbers a face")
        click.echo(f"  licence: {one.licence}")
        click.echo(f"  published: {one.published}")
        click.echo(f"  measured by us: {one.measured or 'nothing; we could not try it'}")


def _is_here(folder: Path, name: str) -> bool:
    return (folder / f"{name}.json").is_file()


@weights.command("get")
@click.argument("name")
@click.option(
    "--from", "source", help="Fetch from this https address, or use this file, instead of the makers' address."
)
@click.option("--replace", is_flag=True, help="Fetch it again if it is there already.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, 1440, min_open=True),
    default=30,
    show_default=True,
    help="Give up if fetching takes longer.",
)
@click.pass_context
def get_known(context: click.Context, name: str, source: str | None, replace: bool, minutes: float) -> None:
    """Fetch the recogniser NAME of `weights list` from its makers, check it and write its card.

    The settings do not change.  A file in the format .espdl becomes ONNX on this computer (extra: convert).
    """
    from attendance.vision.embedders.catalogue import KNOWN

    if name not in KNOWN:
        raise UserError(f"{name} is not in the catalogue; choose one of {', '.join(KNOWN)}")
    settings = settings_of(context).models
    with needs("convert", "onnx"):
        from attendance.vision.embedders import fetch

        card = fetch.get(KNOWN[name], settings.weights, source, datetime.now(UTC).date(), replace, minutes * 60)
    click.echo(f"{settings.weights / card.graph}: checked; terms: {KNOWN[name].licence}")
    click.echo(f"to use it, set models.recogniser = {name}, and then:")
    click.echo(f"- enrol everybody again: templates of {settings.recogniser} cannot be compared with it")
    if not card.operating_points:
        click.echo("- set a threshold on the threshold page: there is none yet, and until then nobody is let in")
    else:
        click.echo("- let the threshold page find your threshold: the card's comes from public pictures")
    click.echo("- there are no packaged strangers for it: see weights impostors")


@weights.command("impostors")
@click.option("--data", type=_FOLDER, required=True, help="Folder with generated_a, generated_b, generated_c.")
@click.option("--set", "sets", multiple=True, help="Another folder of images below --data; repeatable.")
@click.option("--words", help="What the images of --set are, and why you may use them; stored in the file.")
@click.option("--teacher", type=_FILE, help="A better network (ONNX), to find faces of the same identity.")
@click.option(
    "--most", type=click.IntRange(50, 2600), default=2600, show_default=True, help="The largest number of strangers."
)
@click.option("--keep", type=_FOLDER, help="Keep the embeddings in this folder; the next run reuses them.")
@click.option(
    "--out",
    type=_FOLDER,
    help="Folder for the file; default: the weights' folder, where its sha256 goes onto the card.",
)
@click.pass_context
def impostors(context: click.Context, /, **given: Any) -> None:
    """Make the recogniser's packaged strangers, from which thresholds are computed (extra: train).

    The file holds only embeddings of machine-made faces, each identity once.
    """
    settings = settings_of(context)
    if given["sets"] and not given["words"]:
        raise UserError("--set: describe with --words what these images are and why you may use them")
    if given["teacher"] is not None and not given["teacher"].is_file():
        raise UserError(f"--teacher: there is no file {given['teacher']}")
    with needs("train", "onnx", "tqdm"):
        from attendance.evaluation.calibration import strangers
    from attendance.service.calibration.impostors import Reference, Source, save
    from attendance.vision.weights import load_card, save_card, sha256_of

    words = given["words"] or strangers.WORDS
    sets = given["sets"] or strangers.SETS
    collected = strangers.collect(settings, given["data"], sets, given["teacher"], given["most"], given["keep"])
    sources = tuple(Source(name, f"{words} ({name})", count) for name, count in collected.counts.items())
    folder = given["out"] or settings.models.weights
    path = save(Reference(collected.model_id, collected.vectors, sources, settings.models.flip), folder)
    if folder == settings.models.weights:
        card = load_card(folder, collected.model_id)
        save_card(dataclasses.replace(card, sha256={**card.sha256, card.strangers: sha256_of(path)}), folder)
    click.echo(
        f"{path}: {len(collected.vectors):,} strangers, {path.stat().st_size:,} bytes; {collected.images:,} images, "
        f"{collected.faces:,} faces, {collected.dropped:,} left out because they repeat another"
    )


def _numbers_of(graph: Path, answer: Any) -> int:
    """Return D; raise UserError unless the answer is one embedding [1,D] or [1,D,1,1]."""
    import numpy as np

    if answer.ndim < 2 or answer.shape[0] != 1 or answer.shape[1] != answer.size:
        raise UserError(f"{graph} answers one picture with {list(answer.shape)}, not with one embedding [1,D]")
    if answer.size < FEWEST_NUMBERS:
        raise UserError(f"{graph} gives {answer.size} numbers a face; fewer than {FEWEST_NUMBERS} tell nobody apart")
    if not np.isfinite(answer).all():
        raise UserError(f"{graph} answers a black picture with numbers that are not finite")
    return int(answer.size)


def _card_of(graph: Path, given: dict[str, Any]) -> Any:
    """Make the card from file and options; run the graph once on a black image to check it."""
    import numpy as np
    import onnxruntime

    from attendance.vision.runtime import open_session
    from attendance.vision.weights import Card, ChannelOrder, Kind, Preprocess, WeightsError, sha256_of

    try:
        shape = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"]).get_inputs()[0].shape
    except Exception as error:  # ONNX Runtime has its own exception for each way a graph can be wrong
        raise WeightsError(f"{graph} cannot be loaded: {first_line(error)}") from error
    size = shape[-1] if len(shape) == 4 and isinstance(shape[-1], int) else given["size"]
    if size is None:
        raise UserError(f"{graph} leaves the size of its input open: give it with --size")
    numbers = graph.with_suffix(".safetensors")
    files = [graph, *([numbers] if numbers.exists() else [])]
    order: ChannelOrder = "BGR" if given["bgr"] else "RGB"
    try:
        fields: dict[str, Any] = {
            "model_id": graph.stem,
            "kind": cast("Kind", given["kind"]),
            "architecture": given["architecture"],
            "input_size": size,
            "sha256": {file.name: sha256_of(file) for file in files},
            "preprocess": Preprocess(order, given["mean"], given["std"]),
            "operating_points": {"default_threshold": given["threshold"]} if given["threshold"] else {},
            "terms": given["terms"],
            "created": datetime.now(UTC).date().isoformat(),
        }
        trial = Card(**fields, embedding_dim=1 if given["kind"] == "recogniser" else None)
        outputs = open_session(trial, graph.parent).run(np.zeros((1, 3, size, size), np.float32))
        if trial.kind == "detector":
            return trial
        return Card(**fields, embedding_dim=_numbers_of(graph, outputs["embedding"]))
    except UserError:
        raise
    except Exception as error:  # a value that does not suit a card, or a graph that expects other pictures
        raise WeightsError(f"{graph} cannot be used: {first_line(error)}") from error
