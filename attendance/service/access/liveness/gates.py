"""Which cameras and tablets have a liveness gate, and by which operating point.

In: settings, a way to load a network with its card's operating point.  Out: a camera's name → its gate.
Does not know: networks, cards.
Main choice: the point of the newest drill at a camera comes before the card's, since it was measured there.  What
follows in doubt is the settings' choice; "auto" steps up where a drill gave the point, and watches elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import AUTO, Policy, point_of, policy_in_force
from attendance.errors import UserError
from attendance.service.access.liveness.gate import Gates, LivenessGate
from attendance.service.access.rules import liveness_rules_for
from attendance.service.ports import LivenessLook
from attendance.store.access import liveness
from attendance.store.session import Sessions
from attendance.store.settings import used_before_upgrade

log = logging.getLogger(__name__)


def policy_at(session: Session, settings: Settings, camera: str) -> Policy:
    """Return what follows at a camera or tablet when a face does not look alive."""
    choice, model_id = settings.liveness.policy_at(camera), settings.models.liveness
    if choice != AUTO:
        return Policy(choice)
    drilled = bool(model_id) and liveness.point_at(session, camera, model_id) is not None
    return policy_in_force(choice, drilled=drilled, upgraded=used_before_upgrade(session))


def gates(settings: Settings, sessions: Sessions, load: Callable[[], LivenessLook | None]) -> Gates:
    """Return what makes the gate of a camera or tablet; `load` is called for the first that asks.

    It raises UserError if a door is to refuse or step up and there is nothing to judge by.  A door that only watches
    goes on without, and the log says so.
    """
    loaded = cache(load)

    def gate(camera: str) -> LivenessGate | None:
        with sessions() as session:
            policy = policy_at(session, settings, camera)
        if policy is Policy.OFF:
            return None
        rules = liveness_rules_for(settings, policy)
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
