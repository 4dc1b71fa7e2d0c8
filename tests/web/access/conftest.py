"""The site's first door with a camera, its schedule and its access level, as a new site has them."""

from __future__ import annotations

import pytest

from attendance.domain.access.rules.policy import Policy
from attendance.service.access.policy import door_rows, editing
from attendance.store.access import policies
from tests.site_fixtures import Web

# A form of the rules and times of a door.
TIMES = {
    "release_s": "4.5", "extended_release_s": "12", "open_too_long_s": "40", "prealarm_s": "10", "passage_s": "5",
    "two_person_s": "0", "factor_timeout_s": "20", "offline_s": "300",
}  # fmt: skip


def rules(web: Web) -> Policy:
    with web.sessions() as session:
        return policies.for_everybody(session, policies.load_rules(session, web.site.zone))


@pytest.fixture
def front(web: Web) -> int:
    """The door that every site has, with the access point "entrance"; new people get no level."""
    [door] = rules(web).doors
    with web.sessions.begin() as session:
        door_rows.move_point(session, "entrance", door, web.clock.now())
        editing.set_default_level(session, None, web.clock.now())
    return door
