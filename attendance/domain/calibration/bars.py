"""Which measured rates the networks of a door have to reach before a face alone should move a lock.

In: the metrics of the cards of recogniser and liveness network.  Out: the bars that they miss.
Does not know: files, doors, what follows.
Main choice: what was not measured is missed, too: a card without numbers proves nothing.  Trade-off: a good network of
somebody else has to be measured here first, or tried at the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

GALLERY, FPIR = 100, 0.01
MOST_FNIR = 0.05  # one in twenty of one's own people is asked again, at one stranger in a hundred
MOST_APCER = 0.03
MOST_BPCER = 0.05


class Bar(StrEnum):
    """Stored by value: never rename one."""

    OWN_PEOPLE = "own people refused"
    ATTACKS = "attacks let in"
    LIVE_PEOPLE = "live people refused"


@dataclass(frozen=True, slots=True)
class Missed:
    """A bar that is missed.  `value`: what was measured, None: nothing was · `most`: what would be enough."""

    bar: Bar
    value: float | None
    most: float


def missed(recogniser: Mapping[str, Any], liveness: Mapping[str, Any]) -> tuple[Missed, ...]:
    """Return the bars that these metrics miss; of several sets the worst counts."""
    rows = recogniser.get("lfw_open_set", {}).get("rows", [])
    fnirs = [row["fnir"] for row in rows if (row.get("gallery"), row.get("fpir")) == (GALLERY, FPIR)]
    rates = liveness.get("rates", {}).values()
    found = (
        (Bar.OWN_PEOPLE, fnirs, MOST_FNIR),
        (Bar.ATTACKS, [rate["share"] for rate in rates if rate.get("kind") == "APCER"], MOST_APCER),
        (Bar.LIVE_PEOPLE, [rate["share"] for rate in rates if rate.get("kind") == "BPCER"], MOST_BPCER),
    )
    worst = [(bar, float(max(values)) if values else None, most) for bar, values, most in found]
    return tuple(Missed(bar, value, most) for bar, value, most in worst if value is None or value > most)
