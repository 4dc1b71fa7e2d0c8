"""Weights on disk and the card that vouches for them.

In: a folder and a model_id.  Out: a `Card`; the certainty that the files are the ones it describes.
Does not know: runtimes, what a network computes.
Main choice: nothing loads without a card and the sha256 on it, because a network that was swapped
or cut short would silently let the wrong people in.
Trade-off: each process reads each file twice once.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from attendance.errors import UserError

Kind: TypeAlias = Literal["detector", "recogniser", "liveness"]
ChannelOrder: TypeAlias = Literal["RGB", "BGR"]

_COPY_AGAIN = "copy it again from where the weights came from"


class WeightsError(UserError):
    """Weights that are missing, damaged or different from their card; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """What the graph expects: channels in `channel_order`, each as (value 0..255 - mean) / std.

    `mean` and `std`: one number, or three in the channels' order.  Ours: RGB, 0, 1.
    """

    channel_order: ChannelOrder = "RGB"
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        for name, value in (("mean", self.mean), ("std", self.std)):
            numbers = value if isinstance(value, tuple) else (value,)
            if len(numbers) not in (1, 3) or not all(math.isfinite(number) for number in numbers):
                raise ValueError(f"{name} is one number or three")
        if self.channel_order not in get_args(ChannelOrder):
            raise ValueError('channel_order is "RGB" or "BGR"')
        if 0 in (self.std if isinstance(self.std, tuple) else (self.std,)):
            raise ValueError("std is not 0")


@dataclass(frozen=True, slots=True)
class Card:
    """What the project knows about one network.

    `sha256`: file name → hex digest, for the .onnx and, where there are such, the .safetensors and the strangers ·
    `input_size`: px · `embedding_dim`: of a recogniser · `training_data`: name and terms of each set
    · `metrics`: with protocol and counts · `operating_points`: such as {"default_threshold": 0.42} ·
    `created`: ISO date.
    """

    model_id: str
    kind: Kind
    architecture: str
    input_size: int
    sha256: Mapping[str, str]
    preprocess: Preprocess = field(default_factory=Preprocess)
    embedding_dim: int | None = None
    training_data: Sequence[Mapping[str, str]] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    operating_points: Mapping[str, Any] = field(default_factory=dict)
    terms: str = ""
    created: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", self.model_id):
            raise ValueError("model_id consists of letters, digits and . _ -")
        if self.kind not in get_args(Kind):
            raise ValueError('kind is "detector", "recogniser" or "liveness"')
        if not isinstance(self.input_size, int) or not 16 <= self.input_size <= 4096:
            raise ValueError("input_size is a whole number of px from 16 to 4096")
        allowed = {self.graph, self.numbers, self.strangers}
        if self.graph not in self.sha256 or not set(self.sha256) <= allowed:
            raise ValueError(f"sha256 names {self.graph} and perhaps {self.numbers} and {self.strangers}, nothing else")
        if not all(isinstance(one, str) and re.fullmatch(r"[0-9a-f]{64}", one) for one in self.sha256.values()):
            raise ValueError("a sha256 is 64 hex digits in lower case")
        if self.kind == "recogniser" and not (isinstance(self.embedding_dim, int) and self.embedding_dim > 0):
            raise ValueError("a recogniser has an embedding_dim")

    @property
    def graph(self) -> str:
        """Name of the ONNX file."""
        return f"{self.model_id}.onnx"

    @property
    def numbers(self) -> str:
        """Name of the file of numbers, which the graph and PyTorch both read; drop-in graphs have none."""
        return f"{self.model_id}.safetensors"

    @property
    def strangers(self) -> str:
        """Name of the file of strangers' embeddings, which thresholds are computed from."""
        return f"{self.model_id}.impostors.npz"


def load_card(folder: Path, model_id: str) -> Card:
    """Read `folder/<model_id>.json`; raise WeightsError if it is missing or not a card of that model."""
    path = folder / f"{model_id}.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"there are no weights {model_id} in {folder}: {_what_is_there(folder)}") from None
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}; check the file's permissions") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WeightsError(f"{path} is not valid JSON; {_COPY_AGAIN}") from error
    try:
        card = _card(values)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path} is not a weights card: {error}; {_COPY_AGAIN}") from error
    if card.model_id != model_id:
        raise WeightsError(f"{path} is the card of {card.model_id}: a card is named after its model_id")
    return card


def save_card(card: Card, folder: Path) -> Path:
    """Write `folder/<model_id>.json` completely or not at all."""
    path = folder / f"{card.model_id}.json"
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
    return path


def verify(card: Card, folder: Path) -> None:
    """Compare every file of the model with its card; raise WeightsError for the first that does not match.

    A process reads a file once, and again only if its size or time has changed.
    """
    stray = folder / card.numbers
    if card.numbers not in card.sha256 and stray.exists():
        raise WeightsError(f"{stray} is not on the card of {card.model_id}: remove it, or make a new card")
    for name, expected in card.sha256.items():
        path = folder / name
        try:
            found = _digest(path)
        except FileNotFoundError:
            raise WeightsError(f"{path} is missing; {_COPY_AGAIN}") from None
        except OSError as error:
            raise WeightsError(f"cannot read {path}: {error.strerror}; check the file's permissions") from error
        if found != expected:
            raise WeightsError(f"{path} is damaged: {_damage(path)}; {_COPY_AGAIN}")


def sha256_of(path: Path) -> str:
    """Return the hex digest of a file; raise OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_digests: dict[tuple[str, int, int, int], str] = {}


def _digest(path: Path) -> str:
    stat = path.stat()
    key = (str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    if key not in _digests:
        _digests[key] = sha256_of(path)
    return _digests[key]


def _damage(path: Path) -> str:
    """Return what probably happened to a file whose sha256 is wrong."""
    with path.open("rb") as file:
        start = file.read(64)
        size = path.stat().st_size
        if not size:
            return "it is empty"
        if start.startswith(b"version https://git-lfs"):
            return "it is a Git LFS pointer and not the file (git lfs pull brings it)"
        if path.suffix == ".safetensors" and _promised_size(start[:8], path) > size:
            return f"it was cut off after {size} bytes"
    return "its sha256 is not the one on its card, so it was cut off or changed"


def _promised_size(prefix: bytes, path: Path) -> int:
    """Return the length that a .safetensors file states: 8 bytes, the header, the numbers; 0 if unknown."""
    header = int.from_bytes(prefix, "little")
    if header > path.stat().st_size - 8:
        return header + 8
    try:
        with path.open("rb") as file:
            file.seek(8)
            entries = json.loads(file.read(header))
        ends = [int(value["data_offsets"][1]) for key, value in entries.items() if key != "__metadata__"]
        return 8 + header + max(ends)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return 0


def _what_is_there(folder: Path) -> str:
    if not folder.is_dir():
        return "there is no such folder; set models.weights_dir, or leave it empty for the weights of the program"
    known = ", ".join(sorted(path.stem for path in folder.glob("*.json")))
    return f"it holds {known}; set one of them" if known else "it holds no cards; copy the weights there"


def _card(values: Any) -> Card:
    if not isinstance(values, dict):
        raise TypeError("not an object")
    unknown = set(values) - set(Card.__dataclass_fields__)
    if unknown:
        raise ValueError(f"unknown entry {min(unknown)}")
    missing = {"model_id", "kind", "architecture", "input_size", "sha256"} - set(values)
    if missing:
        raise ValueError(f"{min(missing)} is missing")
    texts = ("model_id", "kind", "architecture", "terms", "created")
    objects = ("sha256", "preprocess", "metrics", "operating_points")
    for names, kind, word in (
        (texts, str, "a text"),
        (objects, dict, "an object"),
        (("training_data",), list, "a list"),
    ):
        for name in names:
            if name in values and not isinstance(values[name], kind):
                raise TypeError(f"{name} is not {word}")
    preprocess = values.get("preprocess", {})
    for name in ("mean", "std"):
        if isinstance(preprocess.get(name), list):
            preprocess[name] = tuple(preprocess[name])
    return Card(**{**values, "preprocess": Preprocess(**preprocess)})
