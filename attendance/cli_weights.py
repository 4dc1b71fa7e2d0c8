"""Commands about weights and their cards.

In: the weights folder.  Out: a verdict on each file; a card for a network that somebody brings along.
Does not know: what a network computes.
"""

from __future__ import annotations

import click
