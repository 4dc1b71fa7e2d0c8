"""Writes small `.espdl` files with Google's FlatBuffers package and explicit loops: a reference for the reader."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray


@dataclass
class Op:
    kind: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Stored:
    """What a tensor holds: numbers in the file's order, the dims stated, the exponent."""

    numbers: NDArray[Any]
    dims: tuple[int, ...]
    exponent: int


def conv_filter(filters: NDArray[np.int8], exponent: int, depthwise: bool) -> Stored:
    """[O,I,H,W] → blocks of 16 output channels, written number by number."""
    outputs, inside, high, wide = filters.shape
    whole = outputs // 16 * 16
    numbers: list[int] = []
    for block in range(0, whole, 16):
        for h in range(high):
            for w in range(wide):
                for i in range(inside):
                    numbers += [int(filters[block + o, i, h, w]) for o in range(16)]
    cells = [(h, w) for h in range(high) for w in range(wide)]
    if depthwise:
        numbers += [int(filters[o, 0, h, w]) for h, w in cells for o in range(whole, outputs)]
        dims = (high, wide, outputs, inside)
    else:
        numbers += [int(filters[o, i, h, w]) for o in range(whole, outputs) for h, w in cells for i in range(inside)]
        dims = (high, wide, inside, outputs)
    return Stored(np.array(numbers, np.int8), dims, exponent)


def write_espdl(ops: Sequence[Op], tensors: Mapping[str, Stored], into: str, out: str) -> bytes:
    """The bytes of a file."""
    builder = flatbuffers.Builder(1 << 16)
    nodes = _refs(builder, [_node(builder, op) for op in ops])
    weights = _refs(builder, [_tensor(builder, name, one) for name, one in tensors.items()])
    ends = [_refs(builder, [_table(builder, 4, {0: builder.CreateString(name)})]) for name in (into, out)]
    graph = _table(builder, 10, {0: nodes, 2: weights, 4: ends[0], 5: ends[1]})
    builder.Finish(_table(builder, 10, {7: graph}))
    body = bytes(builder.Output())
    return b"EDL2" + struct.pack("<III", 0, len(body), 0) + body


def _table(
    builder: flatbuffers.Builder, fields: int, refs: Mapping[int, int], more: Callable[[], None] | None = None
) -> int:
    builder.StartObject(fields)
    for index, offset in refs.items():
        builder.PrependUOffsetTRelativeSlot(index, offset, 0)
    if more is not None:
        more()
    return int(builder.EndObject())


def _refs(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _node(builder: flatbuffers.Builder, op: Op) -> int:
    attributes = [_attribute(builder, name, value) for name, value in (op.attributes | {"quant_type": "S8"}).items()]
    inputs, outputs = (_refs(builder, [builder.CreateString(n) for n in names]) for names in (op.inputs, [op.output]))
    return _table(builder, 7, {0: inputs, 1: outputs, 3: builder.CreateString(op.kind), 5: _refs(builder, attributes)})


def _attribute(builder: flatbuffers.Builder, name: str, value: Any) -> int:
    refs = {0: builder.CreateString(name)}
    if isinstance(value, str):
        refs[6] = builder.CreateByteVector(value.encode())
        return _table(builder, 16, refs, lambda: builder.PrependInt32Slot(3, 3, 0))
    if isinstance(value, tuple):
        refs[11] = builder.CreateNumpyVector(np.array(value, np.int64))
        return _table(builder, 16, refs, lambda: builder.PrependInt32Slot(3, 7, 0))

    def number() -> None:
        builder.PrependInt32Slot(3, 2, 0)
        builder.Prep(8, 8)
        builder.PrependInt64(value)
        builder.PrependStructSlot(5, builder.Offset(), 0)

    return _table(builder, 16, refs, number)


def _tensor(builder: flatbuffers.Builder, name: str, one: Stored) -> int:
    raw = one.numbers.tobytes()
    raw += b"\0" * (-len(raw) % 16)
    builder.StartVector(16, len(raw) // 16, 16)
    for byte in reversed(raw):
        builder.PrependByte(byte)
    data = int(builder.EndVector())
    exponents = builder.CreateNumpyVector(np.array([one.exponent], np.int64))
    dims = builder.CreateNumpyVector(np.array(one.dims, np.int64))
    kind = {1: 3, 4: 6}[one.numbers.dtype.itemsize]
    refs = {0: dims, 6: builder.CreateString(name), 8: data, 13: exponents}
    return _table(builder, 14, refs, lambda: builder.PrependInt32Slot(1, kind, 0))
