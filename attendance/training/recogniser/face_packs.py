"""Labelled images → packs of aligned crops with a teacher's answers, ready to train from.

In: a data folder (`labels/<set>.npz` with boxes and landmarks; the images beside it) and a teacher
(ONNX, ArcFace convention).  Out: `packs/<set>.npz` (paths, identities), `<set>.crops.npy` uint8
[N,128,128,3] BGR with an 8 px rim around the 112 px ArcFace crop, `<set>.teacher.npy` fp16
[N,E] embeddings and, where the teacher's embedding is a linear map of a feature map,
`<set>.maps.npy` fp16 [N,C,7,7]; a second teacher's embeddings in `<set>.teacher2.npy`, and so on.
Does not know: the student.  Main choice: everything is computed once and memory-mapped, so that
an epoch costs no decoding.
Trade-off: 2.9 GB of disk for 60,000 faces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.training import protocol
from attendance.vision.align import align_face

CROP = 128
RIM = 1 / 14  # 8 px of 112


@dataclass(frozen=True)
class LabelledFace:
    """The main face of one image: `path` relative to the data folder, `points` [5,2] px."""

    path: str
    identity: str
    points: NDArray[np.float32]


def main_faces(data: Path, set_name: str) -> list[LabelledFace]:
    """One face an image: the largest, weighed down with its distance from the centre."""
    with np.load(data / "labels" / f"{set_name}.npz") as stored:
        labels = dict(stored)  # each member once: an NpzFile unpacks it anew at every access
    celeba = protocol.celeba_identities(data)
    best: dict[int, tuple[float, int]] = {}
    for row, (image, box) in enumerate(zip(labels["image"], labels["box"], strict=True)):
        width, height = (float(side) for side in labels["size"][image])
        offset = np.hypot((box[0] + box[2]) / 2 / width - 0.5, (box[1] + box[3]) / 2 / height - 0.5)
        weight = float((box[2] - box[0]) * (box[3] - box[1]) * max(0.05, 1 - 1.5 * offset))
        if weight > best.get(int(image), (0.0, 0))[0]:
            best[int(image)] = (weight, row)
    faces = []
    for image, (_, row) in sorted(best.items()):
        path = labels["path"][image].decode()
        identity = protocol.identity_of(set_name, path, celeba)
        faces.append(LabelledFace(path, identity, labels["landmarks"][row].astype(np.float32)))
    return faces


def pack_crops(data: Path, set_name: str, faces: list[LabelledFace], out: Path) -> None:
    """Write `<set>.npz` and `<set>.crops.npy`; unreadable images are left out."""

    def crop(face: LabelledFace) -> NDArray[np.uint8] | None:
        image = cv2.imread(str(data / face.path))
        if image is None:
            return None
        try:
            return align_face(image.astype(np.uint8, copy=False), face.points, CROP, RIM)
        except ValueError:
            return None

    cv2.setNumThreads(1)
    with ThreadPoolExecutor(2) as pool:
        crops = list(tqdm(pool.map(crop, faces), total=len(faces), desc=f"crops {set_name}"))
    kept = [index for index, found in enumerate(crops) if found is not None]
    stacked = np.stack([found for found in crops if found is not None])
    np.save(out / f"{set_name}.crops.npy", stacked)
    np.savez(
        out / f"{set_name}.npz",
        path=np.array([faces[i].path for i in kept]),
        identity=np.array([faces[i].identity for i in kept]),
    )


class Teacher:
    """A face embedder in ONNX: input [N,3,112,112] RGB, (x-127.5)/127.5.

    OpenVINO computes it where it is installed: the same answers in half the time.
    """

    def __init__(self, path: Path) -> None:
        model = onnx.load(str(path))
        self.map_name = _linear_map_input(model)
        if self.map_name:
            model.graph.output.append(onnx.ValueInfoProto(name=self.map_name))
        self._run: Callable[[NDArray[np.float32]], Sequence[Any]]
        try:
            import openvino
        except ModuleNotFoundError:
            options = ort.SessionOptions()
            options.log_severity_level = 3
            session = ort.InferenceSession(model.SerializeToString(), options)
            name = session.get_inputs()[0].name
            self._run = lambda x: session.run(None, {name: x})
        else:
            core: Any = openvino.Core()
            graph = core.read_model(model.SerializeToString())
            compiled = core.compile_model(graph, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
            self._run = lambda x: [np.array(one) for one in compiled(x).values()]

    def __call__(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Crops [N,128,128,3] BGR → embeddings [N,E] (not normalised), maps [N,C,7,7] or None."""
        x = crops[:, 8:120, 8:120, ::-1].astype(np.float32).transpose(0, 3, 1, 2)
        outputs = self._run((x - 127.5) / 127.5)
        embedding = np.asarray(outputs[0]).reshape(len(crops), -1)
        return embedding, np.asarray(outputs[1]) if self.map_name else None


def _linear_map_input(model: onnx.ModelProto) -> str:
    """Name of the feature map whose flattening the last Gemm reads, or ""."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    last = made_by[model.graph.output[0].name]
    if last.op_type != "Gemm" or last.input[0] not in made_by:
        return ""
    flatten = made_by[last.input[0]]
    return str(flatten.input[0]) if flatten.op_type in ("Flatten", "Reshape") else ""


def answers_file(out: Path, set_name: str, number: int) -> Path:
    """Where teacher `number`, from 1, has its embeddings of a set."""
    return out / f"{set_name}.teacher{number if number > 1 else ''}.npy"


def pack_teacher(set_name: str, teacher: Teacher, out: Path, number: int = 1, batch: int = 8) -> None:
    """Write a teacher's answers for one pack; the first one's maps, too."""
    crops = np.load(out / f"{set_name}.crops.npy", mmap_mode="r")
    embeddings, maps = [], []
    for start in tqdm(range(0, len(crops), batch), desc=f"teacher {number} {set_name}"):
        embedding, feature_map = teacher(np.asarray(crops[start : start + batch]))
        embeddings.append(embedding.astype(np.float16))
        if feature_map is not None and number == 1:
            maps.append(feature_map.astype(np.float16))
    if maps:
        np.save(out / f"{set_name}.maps.npy", np.concatenate(maps))
    np.save(answers_file(out, set_name, number), np.concatenate(embeddings))


def build(data: Path, teachers: Sequence[Path]) -> None:
    """Make every pack that is not there yet: measured sets too, for the overlap check."""
    out = data / "packs"
    out.mkdir(exist_ok=True)
    loaded = [Teacher(path) for path in teachers]
    for set_name in (*protocol.RECOGNISER_SETS, "lfw"):
        if not (data / "labels" / f"{set_name}.npz").exists():
            continue
        if not (out / f"{set_name}.npz").exists():
            faces = main_faces(data, set_name)
            if set_name == "glint":  # 18 of its people are measured in LFW: not even packed
                faces = [f for f in faces if not protocol.is_measured(set_name, f.path, f.identity)]
            pack_crops(data, set_name, faces, out)
        for number, teacher in enumerate(loaded, 1):
            # Who is measured is only asked for its likeness to who is not: one teacher's answer is enough.
            if not answers_file(out, set_name, number).exists() and (number == 1 or set_name != "lfw"):
                pack_teacher(set_name, teacher, out, number)


@dataclass(frozen=True)
class FacePack:
    """One set in memory-mapped form, restricted to `rows` (what may be learned from).

    `groups` [N]: what the set's labels call each person's origin, or "" (`protocol.group_of`).
    """

    name: str
    rows: NDArray[np.int64]
    crops: NDArray[np.uint8]
    teacher: NDArray[np.float16]
    maps: NDArray[np.float16] | None
    identity: NDArray[np.str_]
    others: tuple[NDArray[np.float16], ...] = ()  # further teachers' embeddings
    groups: NDArray[np.str_] | None = None


def _unit(x: NDArray[np.float16]) -> NDArray[np.float32]:
    x32 = x.astype(np.float32)
    unit: NDArray[np.float32] = x32 / np.linalg.norm(x32, axis=1, keepdims=True)
    return unit


def open_pack(out: Path, set_name: str) -> FacePack:
    """Open the whole pack, without a choice of rows."""
    meta = np.load(out / f"{set_name}.npz")
    maps = out / f"{set_name}.maps.npy"
    crops = np.load(out / f"{set_name}.crops.npy", mmap_mode="r")
    teacher = np.load(out / f"{set_name}.teacher.npy", mmap_mode="r")
    return FacePack(
        set_name,
        np.arange(len(crops)),
        crops,
        teacher,
        np.load(maps, mmap_mode="r") if maps.exists() else None,
        meta["identity"],
        tuple(_further(out, set_name)),
        np.array([protocol.group_of(set_name, str(path)) for path in meta["path"]]),
    )


def _further(out: Path, set_name: str) -> Iterator[NDArray[np.float16]]:
    number = 2
    while (file := answers_file(out, set_name, number)).exists():
        yield np.load(file, mmap_mode="r")
        number += 1


def training_packs(data: Path) -> Iterator[tuple[FacePack, dict[str, int]]]:
    """Every pack with the rows that may be learned from, and how many were dropped for what."""
    out = data / "packs"
    measured = []
    for set_name in ("lfw", "celeba_crops", "celeba_wild"):
        if (out / f"{set_name}.npz").exists():
            pack = open_pack(out, set_name)
            paths = np.load(out / f"{set_name}.npz")["path"]
            rows = [i for i, p in enumerate(paths) if protocol.is_measured(set_name, p, str(pack.identity[i]))]
            measured.append(_unit(pack.teacher[rows]))
    reference = np.concatenate(measured) if measured else np.zeros((0, 1), np.float32)
    for set_name in (*protocol.RECOGNISER_SETS, protocol.BLENDS):
        if not (out / f"{set_name}.npz").exists():
            continue
        pack = open_pack(out, set_name)
        paths = np.load(out / f"{set_name}.npz")["path"]
        may = np.array(
            [not protocol.is_measured(set_name, p, str(i)) for p, i in zip(paths, pack.identity, strict=True)]
        )
        dropped = {"measured": int((~may).sum()), "overlap": 0, "noise": 0}
        if set_name in protocol.OVERLAP_SETS and len(reference):
            unit = _unit(np.asarray(pack.teacher))
            nearest = np.concatenate([(unit[i : i + 512] @ reference.T).max(1) for i in range(0, len(unit), 512)])
            overlap = nearest >= protocol.OVERLAP_COSINE
            dropped["overlap"] = int((overlap & may).sum())
            may &= ~overlap
        identity = pack.identity.copy()
        dropped["noise"] = _clear_noisy_labels(identity, _unit(np.asarray(pack.teacher)))
        yield replace(pack, rows=np.flatnonzero(may), identity=identity), dropped


def _clear_noisy_labels(identity: NDArray[np.str_], unit: NDArray[np.float32], floor: float = 0.25) -> int:
    """Blank the label of faces far (by the teacher) from their person's centre; returns how many."""
    cleared = 0
    for person in np.unique(identity[identity != ""]):
        rows = np.flatnonzero(identity == person)
        centre = unit[rows].mean(0)
        centre /= np.linalg.norm(centre) + 1e-9
        far = rows[unit[rows] @ centre < floor]
        identity[far] = ""
        cleared += len(far)
    return cleared
