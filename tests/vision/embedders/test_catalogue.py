"""Every entry of the catalogue is complete and pinned."""

from __future__ import annotations

import re

from attendance.vision.embedders.catalogue import KNOWN


def test_every_entry_is_pinned_and_names_its_terms() -> None:
    assert {"sface-2021dec", "mobilefacenet-esp-mbf", "mobilefacenet-esp-mfn"} <= set(KNOWN)
    for name, one in KNOWN.items():
        assert one.name == name and one.url.startswith("https://")
        assert re.fullmatch(r"[0-9a-f]{64}", one.sha256) and one.size > 1_000_000
        assert re.search(r"/[0-9a-f]{40}/", one.url), "an address of a commit, which does not change"
        assert one.licence and one.published
        assert bool(one.operating_points) == bool(one.measured), "a threshold only from what we measured"
