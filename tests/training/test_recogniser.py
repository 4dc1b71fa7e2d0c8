"""What the recogniser learns towards: the teacher's cosines, and people's centres."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.training.face_packs import FacePack
from attendance.training.recogniser import Faces, principal_targets


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
