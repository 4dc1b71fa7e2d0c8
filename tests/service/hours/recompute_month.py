"""Recompute working time from punches alone, without one line of the package.

In (standard input, JSON): `zone`, `break_after` and `break_minutes` of the day shift, `punches`: [person, instant in
UTC, "in" or "out"] in any order.  Out (standard output, JSON): minutes by "person date".
The rules, in words: an out ends the in before it.  Whoever comes back within ten hours goes on with the same work day,
and a work day is named after the local date on which it began, so that a night belongs to the evening.  The seconds of
a day are added up and cut to minutes once.  Of a day shift, a break of so many minutes that was not taken is taken off,
but only from what exceeds `break_after`.
"""

import json
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

given = json.load(sys.stdin)
zone = ZoneInfo(given["zone"])
stays = defaultdict(list)
inside = {}
latest = {}  # person: (last out, work day)
for person, instant, way in sorted(given["punches"], key=lambda punch: punch[1]):
    at = datetime.fromisoformat(instant)
    if way == "in":
        inside[person] = at
        continue
    begun = inside.pop(person)
    left, day = latest.get(person, (None, None))
    if left is None or begun - left > timedelta(hours=10):
        day = begun.astimezone(zone).date()
    latest[person] = (at, day)
    stays[f"{person} {day}"].append((begun, at))

minutes = {}
for key, spells in stays.items():
    worked = sum((end - begun).total_seconds() for begun, end in spells)
    out = sum((after[0] - before[1]).total_seconds() for before, after in pairwise(spells))
    if spells[0][0].astimezone(zone).hour < 15 and worked >= given["break_after"] * 60:
        owed = max(0, given["break_minutes"] * 60 - out)
        worked -= min(owed, worked - given["break_after"] * 60)
    minutes[key] = int(worked // 60)
json.dump(minutes, sys.stdout)
