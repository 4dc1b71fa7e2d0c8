"""Which images may be learned from, and which are kept for measuring.

In: a set's name and an image's path or identity.  Out: yes or no.
Does not know: pixels, networks.  One place on purpose: the training, the evaluation and the cards
must agree on it, or the numbers on the cards mean nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

# Two faces of the sets below laid over each other (`recogniser/blends`), where they were made.
BLENDS = "blends"
# Sets whose faces the recogniser may learn from.  LFW is never among them.
RECOGNISER_SETS = (
    "celeba_crops",
    "celeba_wild",
    "glint",
    "utkface",
    "mask12k_unmasked",
    "generated_a",
    "generated_b",
    "generated_c",
    "net7876",
    "mebeauty",
    "omi",
    "omi_real",
)
# Sets the detector may learn from; of facemask853 only images whose number is not divisible by 4.
DETECTOR_SETS = (*RECOGNISER_SETS, "facemask853")

# Of the glint set, 18 of 24 people are in LFW; these six are not.
GLINT_PEOPLE = frozenset({"Barack Obama", "Hugh Jackman", "Hugh Laurie", "James Spader", "Mark Ruffalo", "Miley Cyrus"})
# Sets without identities that may contain people of LFW or CelebA: compared with the teacher's
# eyes against everyone who is measured, and dropped above this cosine.
OVERLAP_SETS = frozenset({"utkface", "mask12k_unmasked", "net7876", "mebeauty", "omi", "omi_real"})
OVERLAP_COSINE = 0.5


def celeba_identities(data: Path) -> dict[str, int]:
    """File name → CelebA person number, from `DATA/celeba_identities/_/identity_CelebA.txt`.

    Returns an empty dict where the file is not there.
    """
    source = data / "celeba_identities" / "_" / "identity_CelebA.txt"
    if not source.exists():
        return {}
    names: dict[str, int] = {}
    for line in source.read_text().splitlines():
        match = re.match(r"(\d+\.jpg)[ ,\t]+(\d+)", line.strip())
        if match:
            names[match[1]] = int(match[2])
    return names


def identity_of(set_name: str, path: str, celeba: dict[str, int]) -> str:
    """Return the person's label, or "" if the set has none."""
    parts = path.split("/")
    if set_name.startswith("celeba"):
        number = celeba.get(parts[-1])
        return f"celeba:{number}" if number is not None else ""
    if set_name in ("glint", "lfw"):
        return f"{set_name}:{parts[1]}"
    return ""


def is_measured(set_name: str, path: str, identity: str) -> bool:
    """Return whether the image is kept for measuring: training must never see it."""
    if set_name == "lfw":
        return True
    if identity.startswith("celeba:"):
        return int(identity.split(":")[1]) % 5 == 0
    if set_name.startswith("celeba"):
        return True  # a CelebA image without a known person may be anyone's
    if set_name == "glint":
        return path.split("/")[1] not in GLINT_PEOPLE
    if set_name == "facemask853":
        digits = re.search(r"(\d+)\.", path.split("/")[-1])
        return digits is None or int(digits[1]) % 4 == 0
    return set_name == "webcam_clips"


_UTKFACE_GROUPS = ("white", "black", "asian", "indian", "other")
_GROUP_PATTERNS = {
    "utkface": r"/\d+_[01]_([0-4])_",
    "generated_a": r"/(?:fe)?male_([a-z]+)/",
    "mebeauty": r"/(?:fe)?male/([a-z]+)/",
    "omi_real": r"/CFD-([ABLW])",
    BLENDS: r"/([a-z]+)/",
}
_SAME_GROUP = {"caucasian": "white", "hispanic": "latino", "A": "asian", "B": "black", "L": "latino", "W": "white"}


def group_of(set_name: str, path: str) -> str:
    """Return what a set's own labels call the origin of an image's person, or "" where they say nothing."""
    pattern = _GROUP_PATTERNS.get(set_name)
    match = re.search(pattern, path) if pattern else None
    if match is None:
        return ""
    label = match[1]
    return _UTKFACE_GROUPS[int(label)] if label.isdigit() else _SAME_GROUP.get(label, label)
