"""An operator's e-mail address, for the weekly e-mail to supervisors.

Why: a supervisor reads about their departments only, so the addresses in the settings, which read about everybody,
are not for them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operators", sa.Column("email", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column("operators", "email")
