"""The assignment of the detector's cells to the faces that they learn.

In: boxes and cells, and for alignment the network's present output.  Out: `Assigned`, a row a cell.
Does not know: losses, images.
Both ways ignore cells that cannot be judged: those in a face with an unsure label.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Face height (px) that each stride learns by bands; neighbours overlap, so that no size falls between.
# The stride of 32 alone is unsure of a near face (docs/LOG.md), so that of 16 reaches far into its band.
REACH = {4: (0.0, 24.0), 8: (16.0, 52.0), 16: (36.0, 180.0), 32: (84.0, 1e9)}
RADIUS = 1.5  # strides from the face's centre, by bands
CENTRE = 2.5  # the same for what may be chosen by alignment
CHOSEN = 9  # cells a face, by alignment
IOU_POWER = 6.0


@dataclass(frozen=True)
class Assigned:
    """`matched` [A]: the cell's face, or -1 · `ignored` [A]: not judged · `quality` [A] 0..1: how well the
    cell suits, 0 without a face; None by bands."""

    matched: Tensor
    ignored: Tensor
    quality: Tensor | None = None


def iou_of_all(first: Tensor, second: Tensor) -> Tensor:
    """Return IoU [P,Q] of boxes [P,4] and [Q,4]."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clamp_min(0).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp_min(0).prod(1) for boxes in (first, second)]
    return shared / (areas[0][:, None] + areas[1][None] - shared).clamp_min(1e-6)


def by_bands(boxes: Tensor, sure: Tensor, centres: Tensor, strides: Tensor) -> Assigned:
    """Give a face to the strides whose band holds its height, and there to the cells near its centre.

    boxes [G,4], sure [G], centres [A,2], strides [A].  FCOS's centre sampling (Tian et al., 2019).  A
    cell claimed by two faces goes to the smaller one.
    """
    cells = len(centres)
    if not len(boxes):
        return _nothing(cells)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    height = (boxes[:, 3] - boxes[:, 1])[None]
    low = torch.tensor([REACH[int(s)][0] for s in strides])[:, None]
    high = torch.tensor([REACH[int(s)][1] for s in strides])[:, None]
    inside = _inside(boxes, centres)
    offset = (centres[:, None] - middle[None]).abs().amax(2)
    near = offset < RADIUS * strides[:, None]
    nearest = offset <= offset.masked_fill(~((height >= low) & (height < high)), 1e9).amin(0, keepdim=True) + 1e-3
    fits = (height >= low) & (height < high) & ((inside & near) | nearest)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)[None].expand(cells, -1)
    best = area.masked_fill(~fits, float("inf"))
    value, index = best.min(1)
    matched = torch.where(torch.isfinite(value), index, torch.full_like(index, -1))
    matched, ignored = _without_unsure(matched, inside, sure)
    # A face's cells on the other levels, and inside it but off its centre, are negatives, but those of
    # the level next in size are nearly right: not to be judged.
    near_size = (height >= low * 0.7) & (height < high * 1.4)
    ignored |= (inside & near & near_size).any(1) & (matched < 0)
    return Assigned(matched, ignored)


def by_alignment(
    boxes: Tensor, sure: Tensor, centres: Tensor, strides: Tensor, predicted: Tensor, scores: Tensor
) -> Assigned:
    """Give each face the cells that already predict it best: score times IoU to the sixth.

    As `by_bands`, with predicted [A,4] px and scores [A] 0..1.  Task alignment (TOOD, Feng et al., 2021),
    `CHOSEN` cells a face out of those near its centre, on any stride; a cell claimed by two faces goes to
    the one it overlaps more.  `quality`: the alignment, scaled so that a face's best cell gets its best IoU.
    """
    cells = len(centres)
    if not len(boxes):
        return _nothing(cells)
    inside = _inside(boxes, centres)
    offset = (centres[:, None] - ((boxes[:, :2] + boxes[:, 2:]) / 2)[None]).abs().amax(2)
    finest = strides == strides.min()
    closest = offset.masked_fill(~finest[:, None], float("inf")).amin(0, keepdim=True)
    # A face smaller than a cell may hold no cell's centre: the nearest fine one is always a candidate.
    candidate = (inside & (offset < CENTRE * strides[:, None])) | ((offset <= closest + 1e-3) & finest[:, None])
    iou = iou_of_all(predicted, boxes).clamp_min(1e-4) * candidate
    metric = scores[:, None].clamp_min(1e-4) * iou**IOU_POWER * candidate
    chosen = torch.zeros_like(candidate)
    rows = metric.topk(min(CHOSEN, cells), dim=0).indices
    chosen.scatter_(0, rows, True)
    chosen &= candidate
    best_iou, index = iou.masked_fill(~chosen, -1).max(1)
    matched = torch.where(best_iou >= 0, index, torch.full_like(index, -1))
    one = torch.nn.functional.one_hot(matched.clamp_min(0), len(boxes)).bool() & (matched >= 0)[:, None]
    top_metric = (metric * one).amax(0).clamp_min(1e-30)
    quality = (metric * one / top_metric * (iou * one).amax(0)).amax(1)
    matched, ignored = _without_unsure(matched, inside, sure)
    return Assigned(matched, ignored, quality * (matched >= 0))


def _nothing(cells: int) -> Assigned:
    return Assigned(torch.full((cells,), -1), torch.zeros(cells, dtype=torch.bool), torch.zeros(cells))


def _inside(boxes: Tensor, centres: Tensor) -> Tensor:
    return ((centres[:, None] > boxes[None, :, :2]) & (centres[:, None] < boxes[None, :, 2:])).all(2)


def _without_unsure(matched: Tensor, inside: Tensor, sure: Tensor) -> tuple[Tensor, Tensor]:
    """Neither learn nor punish the cells of an unsure face."""
    unsure = matched >= 0
    unsure[unsure.clone()] = ~sure[matched[unsure]]
    ignored = unsure | ((inside & ~sure[None]).any(1) & (matched < 0))
    return matched.masked_fill(unsure, -1), ignored
