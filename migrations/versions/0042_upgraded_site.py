"""Sites that were in use before doors could ask for a second proof by themselves are marked as such.

Why: a new site steps up after its first liveness drill, and asks for a second proof at a real door while the weights
are not proven.  An upgrade that did the same would shut people out who passed the day before; such a site is warned.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

KEY = "upgraded_site"


def upgrade() -> None:
    connection = op.get_bind()
    tables = ("people", "passages", "cameras")
    if not any(connection.execute(sa.text(f"SELECT 1 FROM {table} LIMIT 1")).scalar() for table in tables):  # noqa: S608
        return
    settings = sa.table(
        "settings", sa.column("key"), sa.column("value", sa.JSON), sa.column("updated_at", sa.DateTime(timezone=True))
    )
    op.bulk_insert(settings, [{"key": KEY, "value": True, "updated_at": datetime.now(UTC)}])


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM settings WHERE key = 'upgraded_site'"))
