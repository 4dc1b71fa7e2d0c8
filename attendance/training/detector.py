"""Trains DetectionModel.

In: scenes (`scenes`).  Out: `detector.safetensors`.  Does not know: what is measured (`protocol` does).

Assignment: a face belongs to the levels whose stride suits its size, and there to the cells near its
centre (FCOS's centre sampling).  Losses: quality focal objectness whose target is the predicted
box's IoU (Li et al., 2020), GIoU (Rezatofighi et al., 2019), smooth L1 on the landmarks by box size.
"""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from attendance.models.detector import DetectionModel
from attendance.training.loop import Plan, Run
from attendance.training.scenes import Composer, Scene, load_scenes
from attendance.vision.boxes import cell_centres

# Face height (px) that each stride learns; neighbours overlap, so that no size falls between.
REACH = {8: (0.0, 52.0), 16: (36.0, 112.0), 32: (84.0, 1e9)}
RADIUS = 1.5  # strides from the face's centre


def assign(boxes: Tensor, sure: Tensor, centres: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
    """For each of A cells the index of its face, or -1; and which cells are not to be judged.

    boxes [G,4], sure [G], centres [A,2], strides [A] → matched [A] long, ignored [A] bool.
    A cell claimed by two faces goes to the smaller one.
    """
    cells = len(centres)
    if not len(boxes):
        return torch.full((cells,), -1), torch.zeros(cells, dtype=torch.bool)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    height = (boxes[:, 3] - boxes[:, 1])[None]
    low = torch.tensor([REACH[int(s)][0] for s in strides])[:, None]
    high = torch.tensor([REACH[int(s)][1] for s in strides])[:, None]
    inside = ((centres[:, None] > boxes[None, :, :2]) & (centres[:, None] < boxes[None, :, 2:])).all(2)
    offset = (centres[:, None] - middle[None]).abs().amax(2)
    near = offset < RADIUS * strides[:, None]
    nearest = offset <= offset.masked_fill(~((height >= low) & (height < high)), 1e9).amin(0, keepdim=True) + 1e-3
    fits = (height >= low) & (height < high) & ((inside & near) | nearest)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)[None].expand(cells, -1)
    best = area.masked_fill(~fits, float("inf"))
    value, index = best.min(1)
    matched = torch.where(torch.isfinite(value), index, torch.full_like(index, -1))
    unsure = matched >= 0
    unsure[unsure.clone()] = ~sure[matched[unsure]]
    ignored = unsure | ((inside & ~sure[None]).any(1) & (matched < 0))
    # A face's cells on the other levels, and inside it but off its centre, are negatives, but those of
    # the level next in size are nearly right: not to be judged.
    near_size = (height >= low * 0.7) & (height < high * 1.4)
    ignored |= (inside & near & near_size).any(1) & (matched < 0)
    return matched.masked_fill(unsure, -1), ignored


def giou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of boxes [P,4] → GIoU [P], IoU [P]."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    shared = (high - low).clamp_min(0).prod(1)
    union = (first[:, 2:] - first[:, :2]).prod(1) + (second[:, 2:] - second[:, :2]).prod(1) - shared
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(1)
    iou = shared / union.clamp_min(1e-6)
    return iou - (hull - union) / hull.clamp_min(1e-6), iou


def losses_of(outputs: dict[str, Tensor], scenes: list[Scene], size: int) -> dict[str, Tensor]:
    """Losses of one batch; `outputs` as DetectionModel gives them for [N,3,size,size]."""
    centres_np, strides_np = cell_centres(size, size)
    device = outputs["obj"].device
    centres, strides = torch.from_numpy(centres_np), torch.from_numpy(strides_np)
    targets, positives = torch.zeros(outputs["obj"].shape), []
    judged = torch.ones(outputs["obj"].shape, dtype=torch.bool)
    true_boxes, true_points = [], []
    for number, scene in enumerate(scenes):
        matched, ignored = assign(torch.from_numpy(scene.boxes), torch.from_numpy(scene.sure), centres, strides)
        judged[number] = ~ignored
        cells = torch.nonzero(matched >= 0)[:, 0]
        positives.append(torch.stack([torch.full_like(cells, number), cells], 1))
        true_boxes.append(torch.from_numpy(scene.boxes)[matched[cells]])
        true_points.append(torch.from_numpy(scene.points)[matched[cells]])
    where = torch.cat(positives)
    count = max(1, len(where))
    image, cell = where[:, 0].to(device), where[:, 1].to(device)
    zero = outputs["obj"].sum() * 0
    losses = {"box": zero, "points": zero}
    if len(where):
        centre, stride = centres.to(device)[cell], strides.to(device)[cell][:, None]
        wanted, points = torch.cat(true_boxes).to(device), torch.cat(true_points).to(device)
        reach = outputs["bbox"][image, cell] * stride
        predicted = torch.cat([centre - reach[:, :2], centre + reach[:, 2:]], 1)
        generalised, iou = giou(predicted, wanted)
        losses["box"] = (1 - generalised).mean()
        guess = centre[:, None] + outputs["landmarks"][image, cell].view(-1, 5, 2) * stride[:, None]
        scale = (wanted[:, 2:] - wanted[:, :2]).mean(1)[:, None, None]
        losses["points"] = F.smooth_l1_loss(guess / scale * 10, points / scale * 10, beta=0.1)
        targets[where[:, 0], where[:, 1]] = iou.detach().cpu().clamp(0.05, 1)
    targets, judged = targets.to(device), judged.to(device)
    probability = outputs["obj"].sigmoid()
    focal = F.binary_cross_entropy_with_logits(outputs["obj"], targets, reduction="none")
    losses["obj"] = (focal * (targets - probability).abs().detach() ** 2 * judged).sum() / count
    losses["loss"] = 2 * losses["obj"] + 2 * losses["box"] + 2 * losses["points"]
    return losses


def train(
    data: Path,
    out: Path,
    plan: Plan,
    sizes: tuple[int, ...],
    device: torch.device,
    resume: bool,
    start: Path | None = None,
) -> Path:
    """Train on the scenes in `data`, each batch at one of `sizes` (px); returns the weights' path.

    Several sizes, because a network trained at one learns where its picture ends: served larger, its
    landmarks move to one side (docs/LOG.md).
    """
    torch.manual_seed(2)
    faces, empty = load_scenes(data)
    tqdm.write(json.dumps({"scenes": len(faces), "without_faces": len(empty)}))
    model = DetectionModel().to(device).to(memory_format=torch.channels_last)
    if start is not None and not (resume and (out / "checkpoint.pt").exists()):
        report = model.load_weights_partial(start)
        tqdm.write(json.dumps({"started_from": str(start), "loaded": len(report["loaded"])}))
    run = Run(out, model, plan, resume)
    composers = {size: Composer(faces, empty, high=0.85 * size) for size in sizes}

    def prepare(step: int) -> tuple[Tensor, list[Scene]]:
        random = np.random.default_rng((7, step))
        size = int(random.choice(sizes))
        scenes = [composers[size].compose(size, random) for _ in range(plan.batch)]
        images = np.stack([s.image for s in scenes]).transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(images)).float(), scenes

    with ThreadPoolExecutor(1) as pool:
        coming: dict[int, Future[tuple[Tensor, list[Scene]]]] = {}

        def loss_of_batch(step: int, _progress: float) -> dict[str, Tensor]:
            images, scenes = (coming.pop(step, None) or pool.submit(prepare, step)).result()
            coming[step + 1] = pool.submit(prepare, step + 1)
            images = images.to(device).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
                outputs = model(images)
            return losses_of({k: v.float() for k, v in outputs.items()}, scenes, images.shape[-1])

        def evaluate() -> dict[str, Any]:
            averaged = run.averaged(DetectionModel().to(device))
            assert isinstance(averaged, DetectionModel)
            averaged.save_weights(out / "detector.safetensors")
            return {}

        model.train()
        run.train(loss_of_batch, evaluate)
    return out / "detector.safetensors"
