"""Which cameras and tablets have a liveness gate, and by which operating point.

In: settings, a network with its card's operating point.  Out: a function from a camera's name to its gate.
Does not know: networks, cards.
Main choice: the point of the newest drill at a camera comes before the card's, since it was measured there.
"""

from __future__ import annotations

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import LivenessPoint, Policy
from attendance.errors import UserError
from attendance.service.access.liveness.gate import Gates, LivenessGate
from attendance.service.access.rules import liveness_rules_for
from attendance.service.ports import LivenessLook
from attendance.store.access import liveness
from attendance.store.session import Sessions


def asks(settings: Settings) -> bool:
    """Return whether any camera may ask for liveness, so that the network is worth loading."""
    return bool(settings.models.liveness) and (settings.liveness.policy != "off" or bool(settings.liveness.cameras))


def gates(
    settings: Settings, sessions: Sessions, network: LivenessLook | None, card_point: LivenessPoint | None
) -> Gates:
    """Return what makes the gate of a camera or tablet.

    It raises UserError if a door is to refuse or step up and there is nothing to judge by.
    """

    def gate(camera: str) -> LivenessGate | None:
        rules = liveness_rules_for(settings, camera)
        if rules.policy is Policy.OFF:
            return None
        point = None
        if network is not None:
            with sessions() as session:
                point = liveness.point_at(session, camera, network.model_id) or card_point
        if network is not None and point is not None:
            return LivenessGate(network, point, rules)
        if rules.policy is Policy.WATCH:
            return None
        raise UserError(
            "liveness.policy at %(camera)s needs a network: set models.liveness to one with an operating point, or the "
            "policy to watch or off",
            camera=camera,
        )

    return gate
