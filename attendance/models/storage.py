"""Networks ↔ .safetensors files.

In: a module and a path.  Out: fp16 tensors on disk, or a module with loaded numbers and a report.
Does not know: architectures, cards (`attendance.vision.weights` checks those).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from attendance.errors import UserError


def load_whole(module: nn.Module, path: Path, optional: str | None = None) -> None:
    """Load a file that must fit; raise UserError if it does not.  `optional`: a prefix that may be missing."""
    report = load_partial(module, path)
    missing = [name for name in report["missing"] if not (optional and name.startswith(optional))]
    if missing or report["mismatched"] or report["unexpected"]:
        raise UserError(
            f"{path} does not hold weights of a {type(module).__name__}: {len(missing)} tensors missing, "
            f"{len(report['mismatched'])} of another shape, {len(report['unexpected'])} unknown"
        )


def save_half(module: nn.Module, path: Path, skip: str | None = None) -> None:
    """Write the state dict as fp16 .safetensors.

    BatchNorm variances below fp16's normal range are raised to it: they would be flushed to zero, and
    1/sqrt(0) is infinite.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in module.state_dict().items():
        if (skip and name.startswith(skip)) or name.endswith("num_batches_tracked"):
            continue
        half = value.detach().float().cpu()
        if name.endswith("running_var"):
            half = half.clamp_min(6.2e-5)
        tensors[name] = half.clamp(-65504, 65504).half().contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path))


def names_in(path: Path) -> set[str]:
    """Return the names of a file's tensors; raise UserError if it cannot be read."""
    try:
        with safe_open(str(path), "pt") as file:
            return set(file.keys())
    except Exception as error:  # safetensors raises its own types for truncated and foreign files
        raise UserError(f"cannot read weights from {path}: {error}") from error


def load_partial(
    module: nn.Module, path: Path, as_ours: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None
) -> dict[str, list[str]]:
    """Copy tensors that fit by name and shape into `module`; report the rest (see `load_weights_partial`).

    `as_ours` gives an older network's tensors the names of this one.
    """
    try:
        theirs = load_file(str(path))
    except Exception as error:  # as above
        raise UserError(f"cannot read weights from {path}: {error}") from error
    if as_ours is not None:
        theirs = as_ours(theirs)
    ours = module.state_dict()
    loaded, mismatched = [], []
    with torch.no_grad():
        for name, value in theirs.items():
            if name not in ours:
                continue
            if ours[name].shape != value.shape:
                mismatched.append(name)
                continue
            ours[name].copy_(value.to(ours[name].dtype))
            loaded.append(name)
    missing = [n for n in ours if n not in theirs and not n.endswith("num_batches_tracked")]
    unexpected = [n for n in theirs if n not in ours]
    return {
        "loaded": sorted(loaded),
        "missing": sorted(missing),
        "mismatched": sorted(mismatched),
        "unexpected": sorted(unexpected),
    }
