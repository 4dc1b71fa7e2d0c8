"""Reading `.espdl` files that Google's package wrote."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from attendance.errors import UserError
from attendance.vision.embedders.espdl import read_espdl
from tests.vision.embedders.espdl_files import Op, Stored, write_espdl
from tests.vision.embedders.small_network import Small


def test_nodes_attributes_and_numbers_are_read_as_they_were_written() -> None:
    small = Small()
    network = read_espdl(small.file())

    assert (network.input, network.output) == ("in", "out")
    assert [node.kind for node in network.nodes[:4]] == ["Conv", "PRelu", "Conv", "Add"]
    first = network.nodes[0]
    assert first.inputs == ("in", "w1", "b1") and first.outputs == ("a",)
    assert first.attributes["strides"] == (2, 2) and first.attributes["activation"] == "Linear"
    assert network.nodes[2].attributes["group"] == 20
    bias = network.weights["b1"]
    assert bias.exponent == -12 and bias.dims == (20,) and np.array_equal(bias.values, small.bias)
    assert np.array_equal(network.weights["p"].values, small.slope)


def test_what_is_not_a_whole_plain_file_is_refused_in_words() -> None:
    good = Small().file()
    encrypted = good[:4] + struct.pack("<I", 1) + good[8:]

    for bad, says in ((b"PK\3\4", "not an .espdl"), (good[:-40], "cut off"), (encrypted, "encrypted"), (b"", "not an")):
        with pytest.raises(UserError, match=says):
            read_espdl(bad)
    random = np.random.default_rng(0)
    for _ in range(300):  # damaged inside: an error in words or another network, and never anything else
        spoilt = bytearray(good)
        for place in random.integers(16, 400, 4):
            spoilt[place] = random.integers(256)
        try:
            read_espdl(bytes(spoilt))
        except UserError as error:
            assert "fetch it again" in str(error) or "one of each" in str(error)


def test_an_array_that_is_shorter_than_it_says_is_refused() -> None:
    short = Stored(np.zeros(8, np.int8), (4, 100), -7)

    with pytest.raises(UserError, match="shorter than its dims"):
        read_espdl(write_espdl([Op("PRelu", ["in", "p"], "out")], {"p": short}, "in", "out"))
