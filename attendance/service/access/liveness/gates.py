"""Which cameras and tablets have a liveness gate, and by which operating point.

In: settings, a way to load a network with its card's operating point.  Out: a camera's name → its gate.
Does not know: networks, cards.
Main choice: the point of the newest drill at a camera comes before the card's, since it was measured there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import Policy, point_of
from attendance.errors import UserError
from attendance.service.access.liveness.gate import Gates, LivenessGate
from attendance.service.access.rules import liveness_rules_for
from attendance.service.ports import LivenessLook
from attendance.store.access import liveness
from attendance.store.session import Sessions

log = logging.getLogger(__name__)


def gates(settings: Settings, sessions: Sessions, load: Callable[[], LivenessLook | None]) -> Gates:
    """Return what makes the gate of a camera or tablet; `load` is called for the first that asks.

    It raises UserError if a door is to refuse or step up and there is nothing to judge by.  A door that only watches
    goes on without, and the log says so.
    """
    loaded = cache(load)

    def gate(camera: str) -> LivenessGate | None:
        rules = liveness_rules_for(settings, camera)
        if rules.policy is Policy.OFF:
            return None
        watches = rules.policy is Policy.WATCH
        try:
            network = loaded()
        except UserError as error:
            if not watches:
                raise
            log.error("liveness is not watched at %s: %s", camera, error)
            return None
        point = None
        if network is not None:
            with sessions() as session:
                point = liveness.point_at(session, camera, network.model_id) or point_of(network.operating_points)
        if network is not None and point is not None:
            return LivenessGate(network, point, rules)
        if watches:
            return None
        raise UserError(
            "liveness.policy at %(camera)s needs a network: set models.liveness to one with an operating point, or the "
            "policy to watch or off",
            camera=camera,
        )

    return gate
