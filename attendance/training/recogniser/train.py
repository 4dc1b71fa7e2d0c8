"""Trains RecognitionModel: distillation from a teacher, later ArcFace on labelled people.

In: packs of crops with the teacher's answers (`face_packs`).  Out: `recogniser.safetensors`.
Does not know: LFW, or any identity that is measured (`protocol`).

Losses: 1 - cos to the teacher's embedding (of several: mean-centred and joined), carried to 384
dimensions by the principal directions of the training set, which keep its cosines; an InfoNCE term
that tells this face's teacher answer from those of 1,024 other faces; the cosines between the faces of
a batch, which should be the teacher's (RKD, Park et al., 2019); two views of one face, which should
agree; a hint from the teacher's last feature map to the trunk's stride-16 map (FitNets, Romero et al.,
2015), which gives 49 answers an image instead of one; and ArcFace for faces with a name, once the
embedding has taken shape.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from attendance.models.backbone import C16
from attendance.models.recogniser import EMBEDDING, RecognitionModel
from attendance.training.loop import Plan, Run, seed_after
from attendance.training.protocol import BLENDS
from attendance.training.recogniser.augment import RIM, face_views
from attendance.training.recogniser.face_packs import FacePack, training_packs

BY_ORIGIN = 0.5  # the share of a batch in which each origin that labels name comes alike often


@dataclass(frozen=True)
class Weights:
    """How much each loss counts."""

    cosine: float = 4.0
    contrast: float = 0.5
    hint: float = 1.0
    relations: float = 30.0  # the cosines inside the batch: a small number, squared
    agreement: float = 0.0  # above 0, a batch is half as many faces in two views each
    arcface: float = 0.1
    arcface_from: float = 0.6  # share of the run before names are used
    teachers: int = 9  # at most so many of those that answered
    degrade: float = 0.4  # how often views are degraded; a run of millions of samples should use 1


class Faces:
    """All packs as one list of rows."""

    def __init__(self, packs: list[FacePack], most_teachers: int = 9) -> None:
        self.packs = packs
        self.index = np.concatenate([np.stack([np.full(len(p.rows), i), p.rows], axis=1) for i, p in enumerate(packs)])
        names = np.concatenate([p.identity[p.rows] for p in packs])
        people = sorted({str(n) for n in names if n})
        number = {name: i for i, name in enumerate(people)}
        self.labels = np.array([number.get(str(n), -1) for n in names])
        self.people = len(people)
        first = np.concatenate([p.teacher[p.rows] for p in packs]).astype(np.float32)
        # Blends of two faces are nearer to the mean of all; it and the directions are those of people.
        real = np.concatenate([np.full(len(p.rows), p.name != BLENDS) for p in packs])
        self.people_rows = np.flatnonzero(real)
        self.targets = principal_targets(first, real)
        self.teachers = min(most_teachers, 1 + min(len(p.others) for p in packs))
        if self.teachers > 1:
            further = [np.concatenate([p.others[n][p.rows] for p in packs]) for n in range(self.teachers - 1)]
            joined = principal_targets(joined_answers([first, *further], real), real)
            # Turned onto the first teacher's own targets, which changes no cosine: a network that began
            # with one teacher goes on with several.
            self.targets = joined @ rotation_between(joined, self.targets)
        self.with_maps = all(p.maps is not None for p in packs)
        named = np.concatenate([np.full(len(p.rows), "") if p.groups is None else p.groups[p.rows] for p in packs])
        self.origins = [np.flatnonzero(named == origin) for origin in np.unique(named) if origin]

    def turn(self, rotation: NDArray[np.float32]) -> None:
        """Turn every target by a rotation [384,384], which changes no cosine."""
        self.targets = np.ascontiguousarray(self.targets @ rotation)

    def __len__(self) -> int:
        return len(self.index)

    def drawn(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Draw rows [count]: BY_ORIGIN of them with each labelled origin alike often, the others of all faces.

        Otherwise some origins are one face in thirty, and the network tells their faces apart less well (docs/LOG.md).
        """
        rows = random.integers(0, len(self), count)
        if self.origins:
            for place in range(round(BY_ORIGIN * count)):
                pool = self.origins[int(random.integers(len(self.origins)))]
                rows[place] = pool[int(random.integers(len(pool)))]
        return rows

    def centres(self) -> Tensor:
        """Each named person's mean target [people,384], unit: where ArcFace's classes begin.

        From random classes its gradient would first undo what the teacher taught (docs/LOG.md).
        """
        named = self.labels >= 0
        sums = np.zeros((self.people, EMBEDDING), np.float32)
        np.add.at(sums, self.labels[named], self.targets[named])
        return F.normalize(torch.from_numpy(sums))

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Crops [B,3,128,128] RGB 0..255, targets [B,384] unit, labels [B] (-1: no name), maps."""
        pairs = self.index[rows]
        crops = np.stack([self.packs[i].crops[r] for i, r in pairs])[..., ::-1].transpose(0, 3, 1, 2)
        maps = None
        if self.with_maps:
            every = [pack.maps for pack in self.packs if pack.maps is not None]
            stacked = np.stack([every[i][r] for i, r in pairs])
            maps = torch.from_numpy(stacked.astype(np.float32))
        return (
            torch.from_numpy(np.ascontiguousarray(crops)).float(),
            torch.from_numpy(self.targets[rows]),
            torch.from_numpy(self.labels[rows]),
            maps,
        )


def principal_targets(teacher: NDArray[np.float32], real: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Teacher embeddings [F,E] → unit targets [F,384] by the principal directions of those that are `real` [F].

    The directions are those of the uncentred second moment, so that the cosine between two faces,
    which is what will be compared, changes as little as possible.
    """
    unit = teacher / np.linalg.norm(teacher, axis=1, keepdims=True)
    counted = unit if real is None else unit[real]
    _, directions = np.linalg.eigh(counted.T @ counted)
    projected = unit @ directions[:, ::-1][:, :EMBEDDING]
    if projected.shape[1] < EMBEDDING:
        projected = np.pad(projected, ((0, 0), (0, EMBEDDING - projected.shape[1])))
    # The network's last normalisation gives every dimension the same variance; principal components
    # have anything but.  A fixed random rotation spreads them evenly and changes no cosine.
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((EMBEDDING, EMBEDDING)))
    projected = projected @ rotation.astype(np.float32)
    return np.asarray(projected / np.linalg.norm(projected, axis=1, keepdims=True), np.float32)


def joined_answers(
    answers: Sequence[NDArray[np.floating[Any]]], real: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Several teachers' embeddings [F,E1], [F,E2], … → [F,E1+E2+…], each centred and of equal weight.

    `real` [F]: of which the centre is the mean; None: of all.

    The cosine of two rows is the mean of the teachers' own.
    """
    parts = []
    for answer in answers:
        unit = answer.astype(np.float32)
        unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
        unit = unit - (unit if real is None else unit[real]).mean(0)
        parts.append(unit / np.linalg.norm(unit, axis=1, keepdims=True))
    return np.asarray(np.concatenate(parts, axis=1) / np.sqrt(np.float32(len(parts))), np.float32)


def rotation_between(given: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rotation [D,D] that brings `given` [F,D] nearest to `wanted` (Schönemann, 1966)."""
    left, _, right = np.linalg.svd(given.T @ wanted)
    return np.asarray(left @ right, np.float32)


def turn_towards(net: RecognitionModel, faces: Faces, size: int, sample: int = 8192) -> NDArray[np.float32]:
    """Return the rotation [384,384] that brings the targets nearest to the answers of `net`.

    The principal directions depend on the faces at hand, and their signs on the linear algebra of the
    machine: without this, a network trained elsewhere would first have to unlearn its axes.  Few faces give a rotation
    that fits these few (docs/LOG.md).
    """
    rows = np.random.default_rng(0).integers(0, len(faces), sample)
    device = next(net.parameters()).device
    answers = []
    was_training = net.training
    net.eval()
    with torch.inference_mode():
        for part in np.array_split(rows, max(1, sample // 64)):
            crops = faces.batch(part)[0][:, :, RIM:-RIM, RIM:-RIM].to(device)
            view = F.interpolate(crops, (size, size), mode="bilinear", antialias=True, align_corners=False)
            answers.append(net(view).float().cpu().numpy())
    net.train(was_training)
    return rotation_between(faces.targets[rows], np.concatenate(answers))


class Student(nn.Module):
    """The network with what only training needs: the hint's 1×1 convolution."""

    def __init__(self, people: int, hint_channels: int) -> None:
        super().__init__()
        self.net = RecognitionModel(num_classes=people or None)
        self.hint = nn.Conv2d(C16, hint_channels, 1)


class Prepared(NamedTuple):
    """Images of one step and what the network should answer."""

    view: Tensor  # [B,3,S,S] RGB 0..255
    flipped: Tensor  # [B] bool, mirrored views
    targets: Tensor  # [B,384]
    labels: Tensor  # [B], -1 without a name
    maps: Tensor | None
    others: Tensor  # [1024], rows of the bank: faces that each view must be distinguished from


class Objective:
    """Losses of one batch."""

    def __init__(self, student: Student, faces: Faces, weights: Weights, seed: int, device: torch.device) -> None:
        self.student, self.faces, self.weights, self.device = student, faces, weights, device
        self.bank = torch.from_numpy(faces.targets).to(device)
        self.seed = seed
        self.map_scale = 1.0
        if faces.with_maps:
            sample = faces.batch(np.arange(0, len(faces), max(1, len(faces) // 256)))[3]
            assert sample is not None
            self.map_mean = sample.mean((0, 2, 3), keepdim=True).to(device)
            self.map_std = sample.std((0, 2, 3), keepdim=True).to(device) + 1e-3

    def __call__(self, step: int, progress: float, batch: int, size: int) -> dict[str, Tensor]:
        return self.losses(self.prepared(step, batch, size), progress)

    def prepared(self, step: int, batch: int, size: int) -> Prepared:
        """Return the views of one step and what they should answer; it needs no network, so a thread may do it."""
        random = np.random.default_rng((self.seed, step))  # by step: a resumed run goes on where it was
        twice = self.weights.agreement > 0
        rows = self.faces.drawn(random, batch // 2 if twice else batch)
        rows = np.tile(rows, 2) if twice else rows
        crops, targets, labels, maps = self.faces.batch(rows)
        view, flipped = face_views(crops.to(self.device), size, random, self.weights.degrade)
        others = torch.from_numpy(self.faces.drawn(random, 1024))
        maps = maps if self.weights.hint else None
        view = view.contiguous(memory_format=torch.channels_last)
        return Prepared(view, flipped, targets.to(self.device), labels.to(self.device), maps, others.to(self.device))

    def losses(self, given: Prepared, progress: float) -> dict[str, Tensor]:
        """Return the loss to descend ("loss") and its parts."""
        view, flipped, targets, labels, maps, rows = given
        batch, twice = len(view), self.weights.agreement > 0
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            raw, middle = self.student.net.features(view)
        embedding = F.normalize(raw.float())
        losses = {"cos": 1 - (embedding * targets).sum(1).mean()}
        others = self.bank[rows]
        logits = torch.cat([(embedding * targets).sum(1, keepdim=True), embedding @ others.T], 1) * 16
        same = (targets @ others.T) > 0.4  # the same person, probably: not to be pushed away
        logits[:, 1:] = logits[:, 1:].masked_fill(same, -1e4)
        losses["nce"] = F.cross_entropy(logits, torch.zeros(batch, dtype=torch.long, device=self.device))
        total = self.weights.cosine * losses["cos"] + self.weights.contrast * losses["nce"]
        if self.weights.relations:
            apart = (embedding @ embedding.T - targets @ targets.T).square().sum()
            losses["relations"] = apart / (batch * (batch - 1))
            total = total + self.weights.relations * losses["relations"]
        if twice:
            losses["agreement"] = 1 - (embedding[: batch // 2] * embedding[batch // 2 :]).sum(1).mean()
            total = total + self.weights.agreement * losses["agreement"]
        if maps is not None:
            losses["hint"] = self._hint(middle.float(), maps.to(self.device), flipped)
            total = total + self.weights.hint * losses["hint"]
        if progress >= self.weights.arcface_from and (labels >= 0).any() and self.student.net.arcface is not None:
            named = labels >= 0
            arc = self.student.net.arcface(embedding[named], labels[named])
            losses["arc"] = F.cross_entropy(arc, labels[named])
            total = total + self.weights.arcface * losses["arc"]
        losses["loss"] = total
        return losses

    def _hint(self, middle: Tensor, maps: Tensor, flipped: Tensor) -> Tensor:
        """Mean squared error to the standardised teacher map, mirrored where the view was mirrored."""
        maps = torch.where(flipped[:, None, None, None], maps.flip(3), maps)
        maps = (maps - self.map_mean) / self.map_std
        guess = self.student.hint(middle)
        if guess.shape[-1] != maps.shape[-1]:
            maps = F.interpolate(maps, guess.shape[-2:], mode="bilinear", align_corners=False)
        return F.smooth_l1_loss(guess, maps)


def train(
    data: Path,
    out: Path,
    plan: Plan,
    sizes: tuple[tuple[float, int], ...],
    device: torch.device,
    resume: bool,
    start: Path | None = None,
    weights: Weights = Weights(),
) -> Path:
    """Train on the packs in `data/packs`; `sizes` are (progress from, pixels).  Returns the weights' path."""
    seed = seed_after(start)
    torch.manual_seed(seed)
    packs, counts = [], {}
    for pack, dropped in training_packs(data):
        packs.append(pack)
        counts[pack.name] = {"used": len(pack.rows)} | dropped
    faces = Faces(packs, weights.teachers)
    tqdm.write(json.dumps({"faces": len(faces), "people": faces.people, "teachers": faces.teachers, "sets": counts}))
    channels = packs[0].maps.shape[1] if faces.with_maps and packs[0].maps is not None else 1
    student = Student(faces.people, channels).to(device).to(memory_format=torch.channels_last)
    turned = out / "turn.npy"  # kept, so that a resumed run goes on along the same axes
    going_on = resume and (out / "checkpoint.pt").exists()
    if going_on:
        if turned.exists():
            faces.turn(np.load(turned))
    else:
        turned.unlink(missing_ok=True)  # of an earlier run in this folder
    if start is not None and not going_on:
        report = student.net.load_weights_partial(start)
        tqdm.write(json.dumps({"started_from": str(start), "loaded": len(report["loaded"])}))
        if "embed.weight" in report["loaded"]:  # more than a trunk: it has axes of its own
            rotation = turn_towards(student.net, faces, sizes[0][1])
            faces.turn(rotation)
            out.mkdir(parents=True, exist_ok=True)
            np.save(turned, rotation)
    if student.net.arcface is not None:
        with torch.no_grad():
            student.net.arcface.weight.copy_(faces.centres())
    run = Run(out, student, plan, resume)
    objective = Objective(student, faces, weights, seed, device)

    def loss_of_batch(step: int, progress: float) -> dict[str, Tensor]:
        size = [pixels for start, pixels in sizes if progress >= start][-1]
        return objective(step, progress, plan.batch, size)

    student.train()
    watch = Watch(data, device)

    def evaluate() -> dict[str, Any]:
        net = run.averaged(Student(faces.people, channels).to(device)).net
        assert isinstance(net, RecognitionModel)
        net.save_weights(out / "recogniser.safetensors")
        return watch(net, sizes[-1][1])

    run.train(loss_of_batch, evaluate)
    return out / "recogniser.safetensors"


class Watch:
    """A small verification of people kept for measuring, to see a run improve (never to choose by)."""

    def __init__(self, data: Path, device: torch.device, people: int = 60, each: int = 8) -> None:
        from attendance.training.protocol import is_measured
        from attendance.training.recogniser.face_packs import open_pack

        self.crops, self.labels, self.device = None, np.zeros(0), device
        if not (data / "packs" / "celeba_crops.npz").exists():
            return
        pack = open_pack(data / "packs", "celeba_crops")
        names = np.array([str(i) for i in pack.identity])
        rows: list[int] = []
        measured = sorted({n for n in names if n and is_measured("celeba_crops", "", n)})
        for name in measured[:people]:
            rows += list(np.flatnonzero(names == name)[:each])
        self.labels = names[rows]
        crops = np.stack([pack.crops[r] for r in rows])[:, 8:120, 8:120, ::-1].transpose(0, 3, 1, 2)
        self.crops = torch.from_numpy(np.ascontiguousarray(crops)).float()

    @torch.inference_mode()
    def embed(self, net: RecognitionModel, size: int) -> NDArray[np.float32]:
        """Return unit embeddings [K,384] of the kept crops, seen at `size` px; their people are `labels` [K]."""
        assert self.crops is not None
        resized = F.interpolate(self.crops, (size, size), mode="bilinear", antialias=True, align_corners=False)
        found = torch.cat([net(part.to(self.device)).cpu() for part in torch.split(resized, 64)])
        return np.asarray(found.numpy(), np.float32)

    def __call__(self, net: RecognitionModel, size: int) -> dict[str, Any]:
        """Small rates for the log; {} without the set."""
        if self.crops is None:
            return {}
        embedding = self.embed(net, size)
        scores = embedding @ embedding.T
        upper = np.triu_indices(len(scores), 1)
        same = (self.labels[:, None] == self.labels[None])[upper]
        genuine, impostor = scores[upper][same], np.sort(scores[upper][~same])
        threshold = impostor[int(len(impostor) * 0.999)]
        balanced = np.quantile(impostor, np.linspace(0, 1, 201))
        accuracy = max(((genuine > t).mean() + (impostor <= t).mean()) / 2 for t in balanced)
        return {
            "watch_tar_1e-3": round(float((genuine > threshold).mean()), 4),
            "watch_accuracy": round(float(accuracy), 4),
        }
