"""Three hundred slow clients beside a working tablet, against a site in a process of its own."""

from __future__ import annotations

import pytest

from attendance.config import Settings
from attendance.programs.probes import load
from attendance.programs.probes.scratch import scratch_site


@pytest.mark.long
def test_three_hundred_slow_clients_take_nothing_from_a_tablet() -> None:
    with scratch_site(Settings()) as target:
        finding = load.slow_clients(target)

    assert finding.held, finding.words
