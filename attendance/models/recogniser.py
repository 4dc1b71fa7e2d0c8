"""RecognitionModel: an aligned face crop → a 384-d unit embedding.

In: aligned RGB crops 0..255 [N,3,S,S] (`attendance.vision.align`), or whole photos (`photos`).  Out: unit embeddings
[N,384], or ArcFace logits when labels are given.
Does not know: how faces are found, people.
Main choice: the last map is reduced to 64 channels and flattened on a fixed 4×4 grid instead of
being averaged, because the place of a feature in an aligned face matters (as in ArcFace's networks).
Trade-off: 0.5 M parameters.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor, nn

from attendance.errors import UserError
from attendance.models import photos, storage
from attendance.models.backbone import C_LAST, Backbone
from attendance.models.images import ImageLike, as_rgb
from attendance.vision.weights import load_card

EMBEDDING = 384
GRID = 4
CROP = 112  # px, the side of an ArcFace crop
REDUCED = 64


class ArcFace(nn.Module):
    """Additive angular margin logits (Deng et al., 2019): s·cos(θ + m) for the true class.

    forward(embeddings [N,D] unit, labels [N]) → logits [N,classes].
    """

    def __init__(self, dim: int, classes: int, scale: float = 32.0, margin: float = 0.4) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, dim) * 0.05)
        self.scale, self.margin = scale, margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        cosine = (embeddings @ F.normalize(self.weight).T).clamp(-1 + 1e-6, 1 - 1e-6)
        true = cosine.gather(1, labels[:, None])
        sine = torch.sqrt(1 - true**2)
        shifted = true * math.cos(self.margin) - sine * math.sin(self.margin)
        # Past θ + m = π the shifted cosine would rise again; a straight line keeps it falling.
        shifted = torch.where(true > -math.cos(self.margin), shifted, true - self.margin * math.sin(self.margin))
        return self.scale * cosine.scatter(1, labels[:, None], shifted)


def _size_on_card(weights: str | Path | None) -> int:
    """Return the input size on the card beside the weights; CROP without a card."""
    file = None if weights is None else Path(weights)
    if file is None or not file.with_suffix(".json").is_file():
        return CROP
    return load_card(file.parent, file.stem).input_size


class RecognitionModel(nn.Module):
    """EfficientNet-B0 with a 384-d embedding and, for training, an ArcFace head.

    rec(x) → unit embeddings [N,384] · rec(x, labels) → ArcFace logits [N,classes] (needs `num_classes`).
    x: float RGB 0..255 [N,3,S,S], any S from 64.  `input_size`: S in px where images are prepared here; default: the
    size on the card beside the weights, without a card 112.
    """

    def __init__(
        self, weights: str | Path | None = None, num_classes: int | None = None, input_size: int | None = None
    ) -> None:
        super().__init__()
        self.input_size = _size_on_card(weights) if input_size is None else input_size
        self.backbone = Backbone(last_conv=True)
        self.reduce = nn.Sequential(nn.Conv2d(C_LAST, REDUCED, 1, bias=False), nn.BatchNorm2d(REDUCED), nn.SiLU())
        self.embed = nn.Linear(REDUCED * GRID * GRID, EMBEDDING, bias=False)
        self.norm = nn.BatchNorm1d(EMBEDDING, affine=False)
        self.arcface = ArcFace(EMBEDDING, num_classes) if num_classes else None
        if weights is not None:
            self.load_weights(weights)
            self.eval()

    def features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the embedding before normalisation [N,384] and the stride-16 map [N,112,S/16,S/16] (for hints)."""
        _, _, middle, last = self.backbone(image)
        pooled = F.adaptive_avg_pool2d(self.reduce(last), GRID)
        return self.norm(self.embed(pooled.flatten(1))), middle

    def forward(self, image: Tensor, labels: Tensor | None = None) -> Tensor:
        embeddings = F.normalize(self.features(image)[0])
        if labels is None:
            return embeddings
        if self.arcface is None:
            raise ValueError("labels need RecognitionModel(num_classes=…)")
        logits: Tensor = self.arcface(embeddings, labels)
        return logits

    @torch.inference_mode()
    def generate_emb(self, image: ImageLike, aligned: bool = False) -> Tensor:
        """Return the unit embedding [384] of the one face on a photo, found and aligned by the packaged detector.

        `aligned`: the image is an aligned face crop of any size.  Raises UserError if there is no face on the photo,
        or more than one person.
        """
        was_training = self.training
        self.eval()
        try:
            upright = ImageOps.exif_transpose(image) if isinstance(image, Image.Image) else image  # as a file's is
            bgr = np.ascontiguousarray(as_rgb(upright)[..., ::-1])
            embed = photos.embed_crop if aligned else photos.embed_photo
            return torch.from_numpy(embed(self, self.input_size, bgr))
        except UserError as error:
            raise UserError(f"{image}: {error}" if isinstance(image, (str, Path)) else str(error)) from error
        finally:
            self.train(was_training)

    def compare_faces(self, image1: ImageLike, image2: ImageLike, aligned: bool = False) -> float:
        """Return the cosine of the faces on two photos, -1..1: the score that a door with default settings gives.

        `aligned`: both images are aligned face crops.  Raises UserError as `generate_emb` does.
        """
        return float(self.generate_emb(image1, aligned) @ self.generate_emb(image2, aligned))

    def save_weights(self, path: str | Path) -> None:
        """Write a .safetensors file (fp16 numbers) without the ArcFace head, which only training needs."""
        storage.save_half(self, Path(path), skip="arcface.")

    def load_weights(self, path: str | Path) -> None:
        """Load a whole file; raise UserError if tensors are missing or have another shape."""
        storage.load_whole(self, Path(path), optional="arcface.")

    def load_weights_partial(self, path: str | Path) -> dict[str, list[str]]:
        """Load what fits by name and shape.

        Returns {"loaded", "missing" (ours, not in the file), "mismatched" (another shape),
        "unexpected" (theirs, not ours)}, each a sorted list of names.
        """
        return storage.load_partial(self, Path(path))
