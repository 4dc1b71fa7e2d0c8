"""The words for purposes of a consent and for how it was said.

In: nothing.  Out: texts that are translated where they are shown.
Does not know: who agreed to what.
"""

from __future__ import annotations

from collections.abc import Mapping

from attendance.texts import N_

PURPOSES: Mapping[str, str] = {
    "access": N_("Access"),
    "attendance": N_("Working time"),
    "growth": N_("Templates that grow"),
}
ACTS: Mapping[str, str] = {"given": N_("given"), "withdrawn": N_("withdrawn"), "ended": N_("ended")}
CHANNELS: Mapping[str, str] = {
    "paper": N_("on paper"),
    "page": N_("read on the screen"),
    "email": N_("by e-mail"),
    "self": N_("on the employee’s page"),
    "file": N_("with a bulk enrolment"),
    "command": N_("on the command line"),
    "retention": N_("after the last day of employment"),
    "before": N_("before there was a history"),
}
