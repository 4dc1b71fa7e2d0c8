"""Plots of a detector's report.

In: a report of `protocols`.  Out: PNG and SVG files in a folder.
Does not know: how anything was measured.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attendance.evaluation.detector.measures import USEFUL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision can distinguish; the marks help in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKS = ("o", "s", "^", "D", "v", "P", "X")


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `folder/name.png` and `.svg`; the same numbers give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    paths = [folder / f"{plain}.png", folder / f"{plain}.svg"]
    figure.savefig(paths[0], dpi=120, metadata={"Software": None})
    figure.savefig(paths[1], metadata={"Date": None})
    return paths


def draw_all(result: dict[str, Any], folder: Path) -> list[Path]:
    """Plot precision by recall and recall by height, for each set with every face boxed and each size."""
    written = []
    for size, reports in result["sizes"].items():
        for name in [key for key, value in next(iter(reports.values())).items() if "curve" in value]:
            of_set = {detector: report[name] for detector, report in reports.items()}
            first = next(iter(of_set.values()))
            title = f"{name}: {first['faces']} faces in {first['images']} images, input {size} px"
            written += save(_precision_recall(of_set, title), folder, f"pr-{name}-{size}")
            written += save(_recall_by_height(of_set, title), folder, f"recall-{name}-{size}")
    return written


def _axes(title: str) -> tuple[Figure, Axes]:
    import matplotlib as mpl
    from matplotlib.figure import Figure  # not pyplot, which keeps every figure and looks for a display

    mpl.rcParams["svg.hashsalt"] = "attendance"
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.set_ylim(0, 1.02)
    return figure, axes


def _precision_recall(reports: dict[str, Any], title: str) -> Figure:
    figure, axes = _axes(title)
    for number, (detector, report) in enumerate(reports.items()):
        colour, curve, point = COLOURS[number % len(COLOURS)], report["curve"], report["at_confidence"]
        value = report["ap50"]["value"]
        label = detector if value is None else f"{detector}: AP {100 * value:.1f} %"
        axes.plot(curve["recall"], curve["precision"], color=colour, label=label)
        recall, precision = point["recall"]["rate"], point["precision"]["rate"]
        if recall is not None and precision is not None:
            axes.plot(recall, precision, MARKS[number % len(MARKS)], color=colour)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02))
    axes.legend(title="mark: its working confidence", loc="lower left")
    return figure


def _recall_by_height(reports: dict[str, Any], title: str) -> Figure:
    figure, axes = _axes(title)
    steps = next(iter(reports.values()))["recall_by_height_in_input_px"]
    names = [f"{s['from_px']}–{s['below_px']}" if s["below_px"] else f"≥ {s['from_px']}" for s in steps]
    names = [f"{name}\n{step['of']}" for name, step in zip(names, steps, strict=True)]
    for number, (detector, report) in enumerate(reports.items()):
        rows = [(i, s) for i, s in enumerate(report["recall_by_height_in_input_px"]) if s["rate"] is not None]
        shift = 0.08 * (number - (len(reports) - 1) / 2)  # so that the intervals do not cover each other
        below = [max(0.0, s["rate"] - s["interval95"][0]) for _, s in rows]
        above = [max(0.0, s["interval95"][1] - s["rate"]) for _, s in rows]
        axes.errorbar(
            [i + shift for i, _ in rows],
            [s["rate"] for _, s in rows],
            yerr=[below, above],
            color=COLOURS[number % len(COLOURS)],
            marker=MARKS[number % len(MARKS)],
            capsize=2,
            label=f"{detector} at {report['at_confidence']['confidence']:g}",
        )
    axes.axvline([s["from_px"] for s in steps].index(USEFUL) - 0.5, color="grey", linestyle=":", linewidth=1)
    axes.set_xticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="face height in the input, px; below it how many faces", ylabel="recall")
    axes.legend(loc="lower right")
    return figure
