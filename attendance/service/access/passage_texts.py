"""The words for how a person was identified and which way a camera looks.

In: a value of the domain.  Out: a short text, in the language of the request.
Does not know: pages, the command line.
"""

from __future__ import annotations

from attendance.domain.passage import Direction, Method
from attendance.texts import N_
from attendance.texts import gettext as _

_METHODS = {Method.FACE: N_("face"), Method.PIN: N_("PIN"), Method.BADGE: N_("badge"), Method.TERMINAL: N_("terminal")}
_BY = {
    Method.FACE: N_("by face"),
    Method.PIN: N_("by PIN"),
    Method.BADGE: N_("by badge"),
    Method.TERMINAL: N_("by terminal"),
}
_DIRECTIONS = {Direction.IN: N_("in"), Direction.OUT: N_("out"), Direction.UNKNOWN: ""}


def method_words(method: Method) -> str:
    """Return how the person was identified: face, PIN, badge."""
    return _(_METHODS[method])


def by_method(method: Method) -> str:
    """Return how the person was identified, after a verb: by face, by PIN, by badge."""
    return _(_BY[method])


def direction_words(direction: Direction) -> str:
    """Return which way the person went; empty if that is not known."""
    words = _DIRECTIONS[direction]
    return _(words) if words else ""
