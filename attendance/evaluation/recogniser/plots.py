"""Plots of the measurements: DET and ROC curves, score histograms, TAR by condition, FNIR over gallery size,
error versus reject; as PNG and SVG, and as a PDF page.

In: `Measurements` or their numbers.  Out: files in a folder.
Does not know: how anything was measured.  Needs matplotlib (extra `train`); no display, no pyplot.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from attendance.domain.calibration.error_rates import curve
from attendance.evaluation.recogniser.error_vs_reject import STEPS
from attendance.evaluation.recogniser.pair_rates import Floats
from attendance.evaluation.recogniser.protocols import Measurements

Kinds = Mapping[str, tuple[Floats, Floats]]
POINTS = 2000
TITLES = {
    "lfw": "LFW view 2",
    "lfw_open_set": "LFW, open set",
    "celeba_measured": "CelebA, people kept from training",
    "folders": "Folders",
    "folders_open_set": "Folders, open set",
    "pairs": "Pairs",
    "identification": "Open set",
}


def draw_all(measured: Measurements, folder: Path) -> list[Path]:
    """Draw everything there is; return the files."""
    written: list[Path] = []
    for section, kinds in measured.scores.items():
        title = TITLES.get(section, section)
        written += picture(folder, f"{section}_det", [partial(det, kinds=kinds, title=title)])
        written += picture(folder, f"{section}_roc", [partial(roc, kinds=kinds, title=title)])
        drawings = [partial(histogram, scores=scores, title=name) for name, scores in kinds.items() if len(scores[0])]
        written += picture(folder, f"{section}_scores", drawings)
    for section, kinds in measured.searches.items():
        drawing = partial(identification_det, kinds=kinds, title=TITLES.get(section, section))
        written += picture(folder, f"{section}_det", [drawing])
    numbers = measured.numbers
    for section in ("lfw_open_set", "folders_open_set", "identification"):
        rows = {name: values[section]["rows"] for name, values in numbers.items() if section in values}
        if rows:
            title = TITLES[section]
            written += picture(folder, section, [partial(open_set, rows=rows, title=title)])
    tables = {name: values["degraded"]["conditions"] for name, values in numbers.items() if "degraded" in values}
    if tables:
        written += picture(folder, "degraded", [partial(by_condition, tables=tables)])
    for name, values in numbers.items():
        if "quality" in values:
            parts = [(title, values["quality"][title]) for title in ("clean", "all_conditions")]
            drawings = [
                partial(error_vs_reject_curves, curves=curves, title=f"{name}, {title}") for title, curves in parts
            ]
            written += picture(folder, f"quality_{name}", drawings)
    return written


def picture(folder: Path, name: str, drawings: Sequence[Any], width: float = 6.4) -> list[Path]:
    """Draw side by side, each `width` inches wide, into `folder` as PNG and SVG; return the files."""
    if not drawings:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(width * len(drawings), 4.8), layout="constrained")
    for number, drawing in enumerate(drawings):
        drawing(figure.add_subplot(1, len(drawings), number + 1))
    files = [folder / f"{name}.{end}" for end in ("png", "svg")]
    for file in files:
        figure.savefig(file, dpi=120)
    return files


def _rates(scores: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return FMR and FNMR, thinned to what a plot can show: evenly in the logarithm of FMR."""
    rates = curve(*scores)
    fmr, fnmr = rates.fmr[:-1][::-1], rates.fnmr[:-1][::-1]  # at the last point no impostor remains
    wanted = np.geomspace(max(1 / len(scores[1]), 1e-9), 1, POINTS)
    rows = np.unique(np.searchsorted(fmr, wanted, side="right") - 1)
    rows = rows[rows >= 0]
    return fmr[rows], fnmr[rows]


def _curves(axes: Axes, kinds: Kinds, accept: bool, x: str) -> None:
    for name, scores in kinds.items():
        if len(scores[0]) and len(scores[1]):
            fmr, fnmr = _rates(scores)
            axes.step(fmr, 1 - fnmr if accept else fnmr, where="post", label=name)
    axes.set_xscale("log")
    axes.set_xlabel(x)
    axes.grid(alpha=0.3, which="both")
    if axes.lines:
        axes.legend(fontsize="small")


def det(axes: Axes, kinds: Kinds, title: str, x: str = "false match rate", y: str = "false non-match rate") -> None:
    """Draw FNMR by FMR.  The curves leave out pairs without both faces; the table counts them."""
    _curves(axes, kinds, False, x)
    if any((np.asarray(line.get_ydata(), np.float64) > 0).any() for line in axes.lines):
        # Else there were no errors, and 0 has no logarithm.
        axes.set_yscale("log")
    axes.set(ylabel=y, title=f"{title}: DET")


def identification_det(axes: Axes, kinds: Kinds, title: str) -> None:
    """Draw FNIR by FPIR in the largest gallery; a person who is not ranked first is missed at every threshold."""
    det(axes, kinds, title, "false positive identification rate", "false negative identification rate")


def roc(axes: Axes, kinds: Kinds, title: str) -> None:
    _curves(axes, kinds, True, "false match rate")
    axes.set(ylabel="true accept rate", title=f"{title}: ROC", ylim=(0, 1.01))


def histogram(axes: Axes, scores: tuple[Floats, Floats], title: str) -> None:
    bins = np.linspace(min(-0.2, *(float(s.min()) for s in scores if len(s))), 1, 81)
    for values, label, colour in zip(
        scores, ("same person", "different people"), ("tab:blue", "tab:orange"), strict=True
    ):
        if len(values):
            axes.hist(
                values, bins=list(bins), density=True, alpha=0.6, label=f"{label} ({len(values):,})", color=colour
            )
    axes.set(xlabel="score (cosine)", ylabel="density", title=title)
    axes.legend(fontsize="small")


def open_set(axes: Axes, rows: Mapping[str, Sequence[Mapping[str, Any]]], title: str) -> None:
    """Draw FNIR by gallery size, a line for each recogniser and FPIR, with its interval."""
    for name, values in rows.items():
        for fpir in sorted({row["fpir"] for row in values}):
            chosen = [row for row in values if row["fpir"] == fpir]
            middle = np.array([row["fnir"] for row in chosen])
            low, high = np.array([row["interval95_people"] for row in chosen]).T
            spread = np.maximum(0, [middle - low, high - middle])
            label = f"{name}, FPIR {fpir:.1%}"
            axes.errorbar([row["gallery"] for row in chosen], middle, spread, marker="o", capsize=3, label=label)
    sizes = sorted({row["gallery"] for values in rows.values() for row in values})
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="people enrolled", ylabel="false negative identification rate", title=title, ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small")


def by_condition(axes: Axes, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Draw TAR at the first FAR, a group of bars for each condition."""
    conditions = list(next(iter(tables.values())))
    width = 0.8 / len(tables)
    key = ""
    for number, (name, table) in enumerate(tables.items()):
        key = next((k for k in table[conditions[0]] if k.startswith("tar_at_far")), "")
        cells = [table[condition].get(key) for condition in conditions]
        heights = np.array([cell["rate"] if cell else 0.0 for cell in cells])
        bounds = np.array([cell["interval95_people"] if cell else (0.0, 0.0) for cell in cells]).T
        spread = np.maximum(0, [heights - bounds[0], bounds[1] - heights])
        at = np.arange(len(conditions)) + number * width
        axes.bar(at, heights, width, yerr=spread, capsize=2, label=name)
    axes.set_xticks(np.arange(len(conditions)) + 0.4 - width / 2, conditions)
    axes.set(ylabel="true accept rate", title=f"TAR at FAR {key.rpartition('_')[2]} by condition", ylim=(0, 1.02))
    axes.legend(fontsize="small")


def error_vs_reject_curves(axes: Axes, curves: Mapping[str, Mapping[str, Any]], title: str) -> None:
    for name, values in curves.items():
        worth = values["use"]
        axes.plot(STEPS, values["curve"], label=name if worth is None else f"{name} (use {worth:.2f})")
    if curves:
        start = next(iter(curves.values()))["curve"][0]
        steps = np.array(STEPS)
        axes.plot(steps, np.maximum(0, (start - steps) / (1 - steps)), "k:", label="perfect")
        axes.axhline(start, color="grey", linestyle="--", label="no use")
    axes.set(xlabel="share of faces rejected, worst first", ylabel="false non-match rate", title=title, ylim=(0, None))
    axes.legend(fontsize="small")


def one_page(
    file: Path, title: str, lines: Sequence[str], rows: Sequence[Sequence[str]], measured: Measurements
) -> None:
    """Write an A4 page: title, conditions, a table (its head first), up to two plots."""
    figure = Figure(figsize=(8.27, 11.69))
    figure.text(0.06, 0.955, title, fontsize=16, weight="bold")
    wrapped = [part for line in lines for part in textwrap.wrap(line, 120, subsequent_indent="  ")]
    figure.text(0.06, 0.94, "\n".join(wrapped), fontsize=7.5, va="top")
    top = 0.925 - 0.0115 * len(wrapped)
    # Up to twenty rows beside the plots' 0.45 of the page.
    height = min(0.018 * len(rows), top - 0.46)
    axes = figure.add_axes((0.06, top - height, 0.88, height))
    axes.axis("off")
    if len(rows) > 1:
        table = axes.table([list(row) for row in rows], cellLoc="left", bbox=Bbox.unit(), edges="horizontal")
        table.auto_set_font_size(False)
        table.set_fontsize(6.5)
        table.auto_set_column_width(list(range(len(rows[0]))))
    panels = _panels(measured)
    for number, drawing in enumerate(panels[:2]):
        bottom = top - height - 0.37
        drawing(figure.add_axes((0.11 + 0.47 * number, max(0.05, bottom), 0.36, 0.3)))
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="pdf", metadata={"Title": title})


def _panels(measured: Measurements) -> list[Any]:
    if measured.scores:
        section, kinds = next(iter(measured.scores.items()))
        name, scores = next(iter(kinds.items()))
        return [lambda ax: det(ax, kinds, TITLES.get(section, section)), lambda ax: histogram(ax, scores, name)]
    for section in ("identification", "folders_open_set", "lfw_open_set"):
        rows = {name: values[section]["rows"] for name, values in measured.numbers.items() if section in values}
        if rows:
            drawing = partial(identification_det, kinds=measured.searches[section], title=TITLES[section])
            return [drawing, partial(open_set, rows=rows, title=TITLES[section])]
    return []
