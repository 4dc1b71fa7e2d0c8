"""What each door physically does now: contact, lock, alarms.

Why: a page shows whether a door is open, held or forced, and only the daemon that watches it knows.  A state has no
history worth keeping, so nothing is made from older data; the daemons write it at their next start.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "door_states",
        sa.Column("door", sa.String(length=100), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=True),
        sa.Column("contact", sa.String(length=10), nullable=False),
        sa.Column("unlocked", sa.Boolean(), nullable=True),
        sa.Column("alarms", sa.JSON(), nullable=False),
        sa.Column("pulse_in_device", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.CheckConstraint("contact IN ('open', 'closed', 'unknown', 'fault')", name=op.f("ck_door_states_contact")),
        sa.PrimaryKeyConstraint("door", name=op.f("pk_door_states")),
    )


def downgrade() -> None:
    op.drop_table("door_states")
