"""Every probe of `security probe`, in the order in which they run.

In: nothing.  Out: `PROBES`.
Does not know: what a probe does.
"""

from __future__ import annotations

from attendance.programs.probes import computer, kiosk, load, passkey, second_step, sign_in
from attendance.programs.probes.attack import Probe

PROBES: tuple[Probe, ...] = (
    *kiosk.PROBES,
    *sign_in.PROBES,
    *second_step.PROBES,
    *passkey.PROBES,
    *load.PROBES,
    *computer.PROBES,
)
