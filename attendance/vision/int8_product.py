"""Products of a face with very many 8-bit rows, by ONNX Runtime's integer matrix product.

In: int8 rows [M,D].  Out: a function from an int8 face [D] to int32 products [M].
Does not know: what the rows are.
Main choice: the base install has no other library that multiplies bytes as the processor does it best (VNNI where
there is one).  The graph of one node is written here by hand, because the package that writes graphs is large.
Trade-off: ONNX Runtime keeps its own, rearranged copy of the rows.
Source of the format: onnx.proto3 of ONNX, IR version 8, operator set 13 (MatMulInteger).
"""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attendance.domain.access.gallery import Product

_UINT8, _INT8, _INT32 = 2, 3, 6  # ONNX's TensorProto.DataType
_MIDDLE = 128  # the unsigned byte that stands for 0: unsigned times signed is the fast product


def int8_product(rows: NDArray[np.int8]) -> Product:
    """Return the product of `rows` [M,D], of values from -63 to 63, with a face [D] of -127 to 127; thread-safe."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(_graph(rows), options, providers=["CPUExecutionProvider"])

    def product(face: NDArray[np.int8]) -> NDArray[np.int32]:
        moved = (face.astype(np.int16) + _MIDDLE).astype(np.uint8)[None]
        result: NDArray[np.int32] = session.run(None, {"face": moved})[0][0]
        return result

    return product


def _graph(rows: NDArray[np.int8]) -> bytes:
    number, dim = rows.shape
    columns = np.ascontiguousarray(rows.T)
    node = b"".join(_field(1, name) for name in (b"face", b"rows", b"middle"))
    node += _field(2, b"products") + _field(4, b"MatMulInteger")
    graph = _field(1, node) + _field(2, b"products of a face")
    graph += _field(5, _tensor(b"rows", _INT8, (dim, number), columns.tobytes()))
    graph += _field(5, _tensor(b"middle", _UINT8, (), bytes([_MIDDLE])))
    graph += _field(11, _value(b"face", _UINT8, (1, dim))) + _field(12, _value(b"products", _INT32, (1, number)))
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))


def _tensor(name: bytes, kind: int, shape: tuple[int, ...], data: bytes) -> bytes:
    return b"".join(_number(1, side) for side in shape) + _number(2, kind) + _field(8, name) + _field(9, data)


def _value(name: bytes, kind: int, shape: tuple[int, ...]) -> bytes:
    sides = b"".join(_field(1, _number(1, side)) for side in shape)
    return _field(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, sides)))


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of Protocol Buffers."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
