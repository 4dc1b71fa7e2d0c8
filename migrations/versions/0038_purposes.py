"""Access points have purposes: access, working time, or both.

Why: every granted passage counted as working time, also at the door of a car park or a changing room; and a place that
is for working time only asked for the consent to access.  Points from before are for both, as they were.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_PURPOSES = "purposes IN ('access', 'access+attendance', 'attendance')"
_SOURCES = "source IN ('camera', 'kiosk', 'badge', 'button')"


def upgrade() -> None:
    purposes = sa.Column(
        "purposes", sa.String(length=20), nullable=False, server_default=sa.text("'access+attendance'")
    )
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("access_points", recreate="always") as table:
            table.add_column(purposes)
            # The check of before is not copied into the new table.
            table.create_check_constraint("source", _SOURCES)
            table.create_check_constraint("purposes", _PURPOSES)
    else:
        op.add_column("access_points", purposes)
        op.create_check_constraint("purposes", "access_points", _PURPOSES)


def downgrade() -> None:
    """Forget the purposes: every passage from then on counts for who agreed to working time."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("access_points", recreate="always") as table:
            table.drop_constraint(op.f("ck_access_points_purposes"), type_="check")
            table.drop_column("purposes")
            table.create_check_constraint("source", _SOURCES)
    else:
        op.drop_column("access_points", "purposes")
