"""What may never follow from a fault: compared after each one.

In: the device's ledger, who was told that they pass, the database and the log beside it.  Out: a `Count`.
Does not know: which fault was tried.
Main choice: three witnesses that do not believe each other: the device, the door's program, and what is on record.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Set
from contextlib import closing
from dataclasses import dataclass, field

from attendance.programs.chaos.device import Ledger, Site
from attendance.store.access.edge_files import edge_folder, records_of

RELEASE_S = 3.0
BROKEN = {
    "not on record": "unlocks without a durable passage",
    "lost": "passages lost",
    "doubled": "passages doubled, or unlocked or noted twice",
    "too long": "pulses longer than set, or without an end",
    "by old rules": "let in by rules too old, or forged",
    "two programs": "two programs at one door",
    "did not come back": "faults after which the door did not come back",
    "no outcome": "passages whose door event is missing at the end",
}


@dataclass(slots=True)
class Count:
    """`faults`: by kind.  `broken`: by the keys of BROKEN.  `offline`: passages decided without the database."""

    faults: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    unlocks: int = 0
    passages: int = 0
    offline: int = 0
    lives: int = 0
    seconds: float = 0.0
    real_disk: bool = True
    words: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        return not any(self.broken.values())


def look(site: Site, ledger: Ledger, let_in: Set[str], count: Count) -> None:
    """Compare what the device saw and what people were told with what is on record; `let_in`: granted passages."""
    pulses = [json.loads(line) for line in ledger.pulses.read_text().splitlines()]
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT id, person_id, at, granted, marks FROM passages").fetchall()
        query = "SELECT count(*) FROM (SELECT 1 FROM door_events GROUP BY passage_id HAVING count(*) > 1)"
        (twice,) = database.execute(query).fetchone()
    kept = {row[0] for row in rows if row[3]} | _waiting(site)
    unlocked = Counter(one["passage"] for one in pulses)
    same = Counter((person, at) for _id, person, at, granted, _marks in rows if granted)
    count.unlocks, count.passages = len(pulses), len(rows)
    count.offline = sum("offline" in row[4] for row in rows)
    broken = count.broken
    broken["not on record"] = sum(not one["on_record"] for one in pulses)
    broken["lost"] = len((let_in | unlocked.keys()) - kept)
    broken["doubled"] = twice + sum(more > 1 for more in (*unlocked.values(), *same.values()))
    broken["too long"] = sum(not 0 < (one["seconds"] or 0) <= RELEASE_S for one in pulses)


def look_for_open(site: Site, count: Count) -> None:
    """Count the granted passages of which nobody noted what the door did: none is left after a start."""
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)) as database:
        query = (
            "SELECT count(*) FROM passages LEFT JOIN door_events ON passage_id = passages.id "
            "WHERE granted AND door_events.id IS NULL"
        )
        (count.broken["no outcome"],) = database.execute(query).fetchone()


def lines(count: Count) -> Iterator[str]:
    """Yield the table of the run and its verdict."""
    yield f"{'fault':<28}tried"
    for kind, number in sorted(count.faults.items()):
        yield f"{kind:<28}{number:>5}"
    if not count.real_disk:
        yield "power cut and disk full: left out, as they need the rights to mount (run as root)"
    yield ""
    yield f"{'what may never be':<52}seen"
    for key, words in BROKEN.items():
        yield f"{words:<52}{count.broken[key]:>4}"
    yield ""
    yield from count.words[:20]
    yield (
        f"{sum(count.faults.values())} faults in {count.seconds:.0f} s: {count.unlocks} unlocks, {count.passages} "
        f"passages and refusals, {count.offline} of them without the database, {count.lives} lives of the program"
    )
    yield "the door held" if count.well else "THE DOOR DID NOT HOLD"


def _waiting(site: Site) -> set[str]:
    try:
        content = (edge_folder(site.folder, site.camera) / "passages").read_bytes()
    except FileNotFoundError:
        return set()
    found = records_of(site.keys, site.camera, content).records
    return {one["passage"]["id"] for one in found if "passage" in one and one["passage"]["granted"]}
