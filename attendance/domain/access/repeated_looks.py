"""The same picture of a face again: a camera that is frozen, or a recording that is played.

In: pictures with the box of a face, in the order in which they came, and whether it was matched.  Out: whether this
one is a further look or a repeat; `Suspicion`, once looks have only repeated for a while.
Does not know: cameras, connections, who was matched; what a door does.
Main choice: a look is compared with every look that counted, at the place of the earlier one, whatever lies
between them: a reconnect, minutes, another person.  The number of remembered looks is limited and not their age, so
that no clock matters.  Trade-off: somebody who stands still to a quarter of a pixel has to move a little.

What counts as the same was measured on two portraits with faces 90 to 260 px wide, in mean grey levels of the 16 × 16
fields: coded anew by JPEG (quality 90 against 95, 75, 60) or by MPEG-4 the same picture differs by 0.52 at most; moved
by half a pixel it differs by 0.69 at least.  Smaller faces are not so well separated: a coarse codec makes them new.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.face_patch import FEW, Patch, distance, patch_of
from attendance.domain.faces import Box

SAME = 0.6  # grey levels
SAME_SHARE = 0.02  # of the standard deviation: in a face without much contrast a movement changes less, too
NEAR = 12.0  # grey levels between the two at places of their own; only then they are compared at one place
SAME_PLACE = 0.6  # IoU
# What is flatter shows no face (a picture without contrast is refused before), and nothing in it could differ.
FLAT = 1.0  # grey levels, standard deviation
REMEMBERED = 512
SUSPICIOUS_AFTER = timedelta(seconds=30)
SUSPICIOUS_LOOKS = 20
NEWEST = 10  # looks, two of each face of a picture that holds as many as are looked at
SEQUENCE = 5  # so many different looks repeated in a row are a recording and not a picture that stands still


class Suspicion(StrEnum):
    """What repeated looks at a matched face mean."""

    FROZEN_FACE = "frozen face"
    REPEATED_SEQUENCE = "repeated sequence"


# The same picture at the place of an earlier look, by a few of the pixels only: codec noise stays far below this.  It
# spares most comparisons with all of them, of which somebody who stands there for a minute would need hundreds.
ROUGHLY = 5.0  # grey levels


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """`rough`: the patch by FEW samples a field."""

    box: Box
    patch: Patch
    rough: Patch


class RepeatedLooks:
    """The looks that counted at one camera.  Not for several threads at once."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque(maxlen=REMEMBERED)
        # Repeats since the last new look.
        self._since: datetime | None = None
        self._repeats, self._lasts = 0, False
        self._repeated: set[int] = set()

    @property
    def suspicion(self) -> Suspicion | None:
        """Return what is suspected now; None while looks are new."""
        if len(self._repeated) >= SEQUENCE and self._repeats >= SUSPICIOUS_LOOKS:
            return Suspicion.REPEATED_SEQUENCE
        return Suspicion.FROZEN_FACE if self._lasts else None

    def is_repeat(self, image: NDArray[np.uint8], box: Box, at: datetime, named: bool = True) -> bool:
        """Return whether these pixels of a face were seen before; if not, remember them.

        `named`: somebody is matched.  Only such repeats are suspicious: a poster of a stranger hangs on many walls.
        """
        patch = patch_of(image, box)
        contrast = float(patch.std())
        if contrast < FLAT:
            return False
        same = min(SAME, SAME_SHARE * contrast)
        for earlier in self._looks:
            near = box.iou(earlier.box) >= SAME_PLACE and distance(patch, earlier.patch) <= NEAR
            if not near or distance(patch_of(image, earlier.box, FEW), earlier.rough) > ROUGHLY:
                continue
            if distance(patch_of(image, earlier.box), earlier.patch) <= same:
                if named:
                    self._note_repeat(earlier, at)
                return True
        self._looks.append(_Look(box, patch, patch_of(image, box, FEW)))
        if named:
            self._since, self._repeats, self._repeated, self._lasts = None, 0, set(), False
        return False

    def remember(self, image: NDArray[np.uint8], box: Box) -> None:
        """Remember the pixels of a face that rests, so that a recording of them is known later."""
        patch = patch_of(image, box)
        # That of this place may lie behind those of the other faces of the picture.
        newest = itertools.islice(reversed(self._looks), NEWEST)
        here = next((look for look in newest if look.box.iou(box) >= SAME_PLACE), None)
        still = here is not None and distance(patch, here.patch) <= SAME
        if not still and float(patch.std()) >= FLAT:
            self._looks.append(_Look(box, patch, patch_of(image, box, FEW)))

    def _note_repeat(self, earlier: _Look, at: datetime) -> None:
        if self._since is None or at < self._since:
            self._since = at
        self._repeats += 1
        self._repeated.add(id(earlier))
        self._lasts = self._repeats >= SUSPICIOUS_LOOKS and at - self._since >= SUSPICIOUS_AFTER
