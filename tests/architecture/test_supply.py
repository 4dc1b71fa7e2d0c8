"""The lock file of the base install: whole, with hashes, and without the address of any index."""

from __future__ import annotations

import re
import tomllib

from tests.architecture.sources import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", LOCK, re.MULTILINE))


def test_every_package_of_the_base_install_is_pinned_to_a_version_that_is_allowed() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]

    for requirement in wanted:
        name, least = re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)(?:,<[0-9.]+)?", requirement).groups()
        assert name in PINNED, f"{name} is not in requirements.lock: make lock"
        assert numbers(PINNED[name]) >= numbers(least), f"{name} is older than {least}: make lock"


def test_every_pin_has_hashes_and_no_index_is_named() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", "\n" + LOCK.split("\n", 2)[2])

    assert len(PINNED) > 30
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks if block.strip())
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links|--trusted-host", LOCK)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
