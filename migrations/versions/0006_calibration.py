"""What a threshold was computed from, and which margin a decision asked for.

Why: a threshold that came from a risk must say which risk, for how many people, from which data and how sure;
only then can it be checked as the gallery grows.  And "why was I refused?" needs the margin of that moment.
Older rows keep NULL: what was not written down then is not known.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Added in place: copying the table of passages would take long.
_NUMBERS = ("target", "fpir", "fpir_low", "fpir_high")


def upgrade() -> None:
    op.add_column("passages", sa.Column("margin", sa.Double(), nullable=True))
    for name in _NUMBERS:
        op.add_column("operating_points", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("operating_points", sa.Column("covers", sa.Integer(), nullable=True))
    op.add_column("operating_points", sa.Column("verdict", sa.String(length=40), nullable=True))
    op.add_column("operating_points", sa.Column("data", sa.Text(), nullable=True))
    op.add_column("operating_points", sa.Column("reason", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("reason", "data", "verdict", "covers", *reversed(_NUMBERS)):
        op.drop_column("operating_points", name)
    op.drop_column("passages", "margin")
