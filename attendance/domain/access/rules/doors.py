"""Areas, doors, the access points at them, and who holds a door's lock.

In: nothing.  Out: frozen values.
Does not know: people, drivers and their settings, the present.
Main choice: the words are those of ONVIF's door control.  An override is never changed, only ended, and the highest
source wins (`posture.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from attendance.domain.access.rules.factors import FactorRule
from attendance.domain.people.consent import BOTH, Purpose


class Antipassback(StrEnum):
    """What happens to a person who enters an area twice: soft marks it, hard refuses."""

    OFF = "off"
    SOFT = "soft"
    HARD = "hard"


class Mode(StrEnum):
    """How a door is held: `SECURE` asks each person; `LOCK` and `LOCKDOWN` let exempt people pass, `BLOCK` nobody."""

    SECURE = "secure"
    UNLOCK = "unlock"
    LOCK = "lock"
    LOCKDOWN = "lockdown"
    BLOCK = "block"

    @property
    def closed(self) -> bool:
        return self in (Mode.LOCK, Mode.LOCKDOWN, Mode.BLOCK)


class Source(StrEnum):
    """Who holds a door, from weak to strong."""

    STANDING = "standing"
    SCHEDULE = "schedule"
    OPERATOR = "operator"
    EMERGENCY = "emergency"

    @property
    def rank(self) -> int:
        return list(Source).index(self)


class PointSource(StrEnum):
    """What asks at an access point."""

    CAMERA = "camera"
    KIOSK = "kiosk"
    BADGE = "badge"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Area:
    """A room or zone.  `occupancy_max`: None is unlimited.

    `reset_min`: a passage in counts for so many minutes, None for good.  `reset_at`: each day at this minute of the
    local day all earlier passages in are forgotten.
    """

    id: int
    name: str
    occupancy_max: int | None = None
    antipassback: Antipassback = Antipassback.OFF
    reset_min: int | None = None
    reset_at: int | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """A door as the rules see it; times in seconds.

    `group`: a name that access levels may use.  `interlock_group`: opens only while its others are closed.
    `contact`: whether it is known if the door is open.  `unlock_schedule`: unlocked by the clock, if
    `unlock_after_first` not before the first passage in that span.  `lock_schedule`: locked by the clock.
    `first_level`: others pass only after a holder of this access level passed today.  `two_person_s`: a second person
    must follow within this time, 0 asks for one.  `usual_schedule`: outside of it a second factor is needed.
    `step_up`: the doubts for which a second factor is needed.  `factor_timeout_s`: how long is waited for it.
    `offline_s`: how old a copy of the rules may be that decides while the database is away; 0: nobody passes then.
    """

    id: int
    name: str
    enabled: bool = True
    group: str = ""
    release_s: float = 3.0
    extended_release_s: float = 10.0
    contact: bool = False
    interlock_group: str = ""
    standing: Mode = Mode.SECURE
    unlock_schedule: int | None = None
    unlock_after_first: bool = True
    lock_schedule: int | None = None
    first_level: int | None = None
    two_person_s: int = 0
    usual_schedule: int | None = None
    step_up: frozenset[str] = frozenset()
    factor_timeout_s: int = 20
    offline_s: int = 0


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """One side of a door.  `area_from`, `area_to`: None is outside.  `factors`: the first that holds counts.

    No `factors` at all: any one factor.  `purposes`: what a passage here is for.  Access: it opens the door for who
    agreed to access.  Attendance: it counts as working time for who agreed to that.
    """

    id: int
    name: str
    door: int
    source: PointSource = PointSource.CAMERA
    area_from: int | None = None
    area_to: int | None = None
    factors: tuple[FactorRule, ...] = ()
    enabled: bool = True
    purposes: frozenset[Purpose] = BOTH

    @property
    def face_is_for(self) -> Purpose:
        """Return the purpose to which a person agrees before a face proves anything here."""
        return Purpose.ACCESS if Purpose.ACCESS in self.purposes else Purpose.ATTENDANCE


@dataclass(frozen=True, slots=True)
class Override:
    """A door held by somebody.  `door`: None for all doors.  `until`: exclusive; None until it is ended.

    Raises ValueError for one that secures nothing, and for a lockdown that does not come from the emergency source.
    """

    id: int
    mode: Mode
    source: Source
    since: datetime
    until: datetime | None = None
    door: int | None = None

    def __post_init__(self) -> None:
        if (self.mode is Mode.LOCKDOWN) is not (self.source is Source.EMERGENCY and self.mode.closed):
            raise ValueError("a lockdown comes from the emergency source, and nothing else closes doors from there")
        if self.source not in (Source.OPERATOR, Source.EMERGENCY) or self.mode is Mode.SECURE:
            raise ValueError("an override is an operator's or an emergency's, and locks, blocks or unlocks")
