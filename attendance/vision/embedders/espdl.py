"""A reader for `.espdl` files: the networks that Espressif publishes for its chips.

In: the bytes of a file.  Out: nodes, and int8 or int32 arrays with their power-of-two exponents.
Does not know: what the nodes compute (`espdl_onnx`).
Main choice: sixty lines read the FlatBuffers tables of esp-dl/fbs_loader/espdl.fbs (MIT), so that no package and no
compiler of schemas is needed.  Trade-off: only the fields that a recogniser needs are read.

A file is a head of 16 bytes ("EDL2", encryption, length) and a FlatBuffers table `Model`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.errors import UserError

HEAD = 16
TYPES = {3: np.int8, 5: np.int16, 6: np.int32}  # TensorDataType → numpy
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7  # AttributeType


@dataclass(frozen=True, eq=False)
class Weights:
    """An array as stored: `values` flat, `dims` as stated, real value = stored value × 2^exponent."""

    values: NDArray[Any]
    dims: tuple[int, ...]
    exponent: int


@dataclass(frozen=True)
class Node:
    """One operation, as in ONNX; maps are [N,H,W,C]."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, int | float | str | tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Network:
    """A whole file: nodes in their order, weights by name, the names of the one input and the one output."""

    nodes: tuple[Node, ...]
    weights: Mapping[str, Weights]
    input: str
    output: str


def read_espdl(data: bytes) -> Network:
    """Read a file; raise UserError if it is not a plain int8 `.espdl` file of one input and one output."""
    if data[:4] != b"EDL2":
        raise UserError("this is not an .espdl file of the second format; fetch it again")
    try:
        encrypted, length = struct.unpack_from("<II", data, 4)
        if encrypted or len(data) < HEAD + length:
            raise UserError("this .espdl file is encrypted or cut off; fetch it again")
        graph = _Table.root(data[HEAD:]).table(7)
        inputs, outputs = graph.tables(4), graph.tables(5)
        if len(inputs) != 1 or len(outputs) != 1:
            raise UserError("this .espdl file has several inputs or outputs; a recogniser has one of each")
        return Network(
            tuple(_node(node) for node in graph.tables(0)),
            {tensor.text(6): _weights(tensor) for tensor in graph.tables(2)},
            inputs[0].text(0),
            outputs[0].text(0),
        )
    except (struct.error, ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise UserError(f"this .espdl file cannot be read ({error}); fetch it again") from error


@dataclass
class _Budget:
    """How many references may still be read: in a sound file each has its four bytes, so a damaged one soon ends."""

    left: int

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise ValueError("it refers to more than it holds")


@dataclass(frozen=True)
class _Table:
    """A FlatBuffers table at `at`; fields are counted from 0 in the order of the schema."""

    data: bytes
    at: int
    budget: _Budget

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, _number("I", data, 0), _Budget(len(data) // 4))

    def field(self, index: int) -> int:
        """Return where a field is, 0 if it is absent."""
        layout = self.at - _number("i", self.data, self.at)
        slot = 4 + 2 * index
        offset = _number("H", self.data, layout + slot) if slot < _number("H", self.data, layout) else 0
        return self.at + offset if offset else 0

    def scalar(self, index: int, kind: str, default: Any = 0) -> Any:
        place = self.field(index)
        return _number(kind, self.data, place) if place else default

    def reference(self, index: int) -> int:
        place = self.field(index)
        return place + _number("I", self.data, place) if place else 0

    def table(self, index: int) -> _Table:
        place = self.reference(index)
        if not place:
            raise ValueError("a table is missing")
        return _Table(self.data, place, self.budget)

    def elements(self, index: int) -> list[int]:
        """Return where the elements of a vector of references are."""
        place = self.reference(index)
        count = _number("I", self.data, place) if place else 0
        self.budget.spend(count)
        slots = [place + 4 + 4 * i for i in range(count)]
        return [slot + _number("I", self.data, slot) for slot in slots]

    def tables(self, index: int) -> list[_Table]:
        return [_Table(self.data, place, self.budget) for place in self.elements(index)]

    def text(self, index: int) -> str:
        place = self.reference(index)
        return _text(self.data, place) if place else ""

    def texts(self, index: int) -> tuple[str, ...]:
        return tuple(_text(self.data, place) for place in self.elements(index))

    def array(self, index: int, kind: Any, width: int = 1) -> NDArray[Any]:
        """Return a vector of numbers, or of structs of `width` numbers, flat."""
        place = self.reference(index)
        count = _number("I", self.data, place) * width if place else 0
        return np.frombuffer(self.data, kind, count, place + 4) if count else np.zeros(0, kind)


def _number(kind: str, data: bytes, at: int) -> Any:
    if at < 0:
        raise ValueError("a reference leads before the file")
    return struct.unpack_from("<" + kind, data, at)[0]


def _text(data: bytes, at: int) -> str:
    length = _number("I", data, at)
    return data[at + 4 : at + 4 + length].decode()


def _node(table: _Table) -> Node:
    attributes: dict[str, int | float | str | tuple[int, ...]] = {}
    for one in table.tables(5):
        kind, name = one.scalar(3, "i"), one.text(0)
        if kind == _FLOAT:
            attributes[name] = float(one.scalar(4, "f"))
        elif kind == _INT:
            attributes[name] = int(one.scalar(5, "q"))
        elif kind == _STRING:
            attributes[name] = bytes(one.array(6, np.uint8)).decode()
        elif kind == _INTS:
            attributes[name] = tuple(int(number) for number in one.array(11, "<i8"))
    return Node(table.text(3), table.texts(0), table.texts(1), attributes)


def _weights(table: _Table) -> Weights:
    dims = tuple(int(number) for number in table.array(0, "<i8"))
    kind = np.dtype(TYPES[table.scalar(1, "i")]).newbyteorder("<")
    values = np.frombuffer(table.array(8, np.uint8, 16).tobytes(), kind)[: int(np.prod(dims))]
    (exponent,) = {int(number) for number in table.array(13, "<i8")}  # one for the whole array
    if len(values) != int(np.prod(dims)):
        raise ValueError("an array is shorter than its dims")
    return Weights(values, dims, exponent)
