"""What the recogniser learns towards: the teacher's cosines, and people's centres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from attendance.models import RecognitionModel
from attendance.models.recogniser import EMBEDDING
from attendance.training.recogniser.face_packs import FacePack
from attendance.training.recogniser.train import (
    BY_ORIGIN,
    Faces,
    Objective,
    Student,
    Weights,
    joined_answers,
    principal_targets,
    turn_towards,
)


def teacher_answers(people: int, each: int, width: int) -> np.ndarray:
    """Unit embeddings [people * each, width] that lie around one centre a person."""
    random = np.random.default_rng(3)
    centres = np.repeat(random.standard_normal((people, width)), each, axis=0)
    noisy = centres + 0.4 * random.standard_normal(centres.shape)
    return (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("width", [128, 384, 512])
def test_targets_have_384_dimensions_and_the_teachers_cosines(width: int) -> None:
    teacher = teacher_answers(40, 5, width)
    targets = principal_targets(teacher)

    assert targets.shape == (200, 384)
    assert np.allclose(np.linalg.norm(targets, axis=1), 1, atol=1e-5)
    assert np.abs(targets @ targets.T - teacher @ teacher.T).max() < (1e-4 if width <= 384 else 0.05)


def test_every_dimension_of_the_targets_varies_about_as_much_as_the_others() -> None:
    spread = principal_targets(teacher_answers(200, 3, 128)).var(axis=0)

    # The principal components themselves would differ without bound: 256 of 384 would not vary at all.
    assert spread.max() / spread.min() < 20


def test_each_named_persons_class_begins_at_the_mean_of_their_faces() -> None:
    teacher = teacher_answers(6, 4, 128)
    names = np.repeat(["ann", "bo", "", "cy", "di", "ed"], 4)
    rows = np.arange(len(teacher))
    crops = np.zeros((len(teacher), 128, 128, 3), np.uint8)
    faces = Faces([FacePack("some", rows, crops, teacher.astype(np.float16), None, names)])
    centres = faces.centres().numpy()

    assert centres.shape == (5, 384)
    named = faces.labels >= 0
    assert named.sum() == 20  # who has no name belongs to no class
    scores = faces.targets[named] @ centres.T
    assert (scores.argmax(axis=1) == faces.labels[named]).all()
    for person in range(5):
        mean = faces.targets[faces.labels == person].mean(axis=0)
        assert np.allclose(centres[person], mean / np.linalg.norm(mean), atol=1e-5)


def test_two_teachers_have_equal_say_and_a_network_of_one_can_go_on_with_both() -> None:
    first, second = teacher_answers(30, 4, 128), 7 * teacher_answers(30, 4, 96)
    joined = joined_answers([first, second])
    centred = [one - one.mean(0) for one in (first, second / 7)]
    cosines = [(unit := one / np.linalg.norm(one, axis=1, keepdims=True)) @ unit.T for one in centred]

    assert np.allclose(joined @ joined.T, (cosines[0] + cosines[1]) / 2, atol=1e-5)

    names = np.array([""] * len(first))
    crops = np.zeros((len(first), 128, 128, 3), np.uint8)

    def faces(*others: np.ndarray) -> Faces:
        halves = tuple(one.astype(np.float16) for one in others)
        return Faces([FacePack("some", np.arange(len(first)), crops, first.astype(np.float16), None, names, halves)])

    alone, both = faces(), faces(second)
    assert (alone.teachers, both.teachers) == (1, 2)
    assert np.abs(both.targets @ both.targets.T - joined @ joined.T).max() < 0.01
    # Nearer to the targets of one teacher than any other turn of the same cosines would be.
    nearness = (alone.targets * both.targets).sum(1).mean()
    assert nearness > (alone.targets * principal_targets(joined)).sum(1).mean() and nearness > 0.6


@pytest.mark.long
def test_a_network_trained_elsewhere_keeps_its_axes() -> None:
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    crops = random.integers(0, 256, (48, 128, 128, 3), dtype=np.uint8)
    net = RecognitionModel().train()
    for norm in (each for each in net.modules() if isinstance(each, torch.nn.modules.batchnorm._BatchNorm)):
        norm.momentum = None  # the statistics are those of the one batch below, so that answers differ
    with torch.no_grad():
        seen = torch.from_numpy(crops[:, 8:120, 8:120, ::-1].transpose(0, 3, 1, 2).copy()).float()
        seen = torch.nn.functional.interpolate(seen, (64, 64), mode="bilinear", antialias=True, align_corners=False)
        net(seen)
        answers = net.eval()(seen).numpy()
    # The same cosines along other axes: what a teacher says on another machine.
    rotation, _ = np.linalg.qr(random.standard_normal((384, 384)))
    elsewhere = (answers @ rotation).astype(np.float16)
    faces = Faces([FacePack("some", np.arange(48), crops, elsewhere, None, np.array([""] * 48))])
    before = faces.targets.copy()
    assert (before * answers).sum(1).mean() < 0.5

    faces.turn(turn_towards(net, faces, 64, sample=256))

    assert (faces.targets * answers).sum(1).min() > 0.99
    assert np.abs(faces.targets @ faces.targets.T - before @ before.T).max() < 1e-4


def test_two_views_of_half_as_many_faces_and_every_loss_has_a_gradient() -> None:
    torch.manual_seed(0)
    teacher = teacher_answers(8, 4, 128)
    crops = np.random.default_rng(0).integers(0, 256, (len(teacher), 128, 128, 3), dtype=np.uint8)
    names = np.repeat([f"p{n}" for n in range(8)], 4)
    faces = Faces([FacePack("some", np.arange(len(teacher)), crops, teacher.astype(np.float16), None, names)])
    student = Student(faces.people, 1)
    weights = Weights(relations=1.0, agreement=0.5, arcface_from=0.5)
    losses = Objective(student, faces, weights, 0, torch.device("cpu"))(step=3, progress=0.7, batch=8, size=64)

    assert set(losses) == {"cos", "nce", "relations", "agreement", "arc", "loss"}
    for name, value in losses.items():
        assert torch.isfinite(value) and value > 0, name
        (gradient,) = torch.autograd.grad(value, student.net.embed.weight, retain_graph=True)
        assert gradient.abs().sum() > 0, name
    # Without a second view nothing has to agree, and before its time nobody's name counts.
    early = Objective(student, faces, Weights(relations=0.0), 0, torch.device("cpu"))(
        step=3, progress=0.1, batch=8, size=64
    )
    assert set(early) == {"cos", "nce", "loss"}


def test_half_of_a_batch_shows_each_labelled_origin_alike_often() -> None:
    random = np.random.default_rng(2)
    teacher = random.standard_normal((100, EMBEDDING)).astype(np.float16)
    groups = np.array(["white"] * 80 + ["asian"] * 4 + [""] * 16)
    crops = np.zeros((100, 128, 128, 3), np.uint8)
    pack = FacePack("some", np.arange(100), crops, teacher, None, np.array([""] * 100), groups=groups)
    drawn = groups[Faces([pack]).drawn(random, 20_000)]
    share = {origin: float((drawn == origin).mean()) for origin in ("white", "asian", "")}
    assert share["asian"] == pytest.approx(BY_ORIGIN / 2 + (1 - BY_ORIGIN) * 0.04, abs=0.01)
    assert share["white"] == pytest.approx(BY_ORIGIN / 2 + (1 - BY_ORIGIN) * 0.80, abs=0.01)
    assert share[""] == pytest.approx((1 - BY_ORIGIN) * 0.16, abs=0.01)
    alone = Faces([replace(pack, groups=None)])
    assert set(alone.drawn(random, 5_000)) == set(range(100))  # without labels, any face
