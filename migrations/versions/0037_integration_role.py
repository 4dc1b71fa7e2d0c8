"""A role for programs that take reports out and bring check-ins in.

Why: a payroll program had to sign in as HR or as a viewer, who see far more than it needs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_BEFORE = (
    "owner", "admin", "enroller", "hr", "supervisor", "security_officer", "privacy_officer", "auditor", "viewer",
)  # fmt: skip


def upgrade() -> None:
    _allow((*_BEFORE, "integration"))


def downgrade() -> None:
    """Deactivate accounts of the role: every role of before sees more."""
    op.execute(sa.text("UPDATE operators SET role = 'viewer', active = FALSE WHERE role = 'integration'"))
    _allow(_BEFORE)


def _allow(roles: tuple[str, ...]) -> None:
    condition = "role IN (" + ", ".join(f"'{role}'" for role in roles) + ")"
    if op.get_bind().dialect.name == "sqlite":
        # The check of before is not copied into the new table.
        with op.batch_alter_table("operators", recreate="always") as table:
            table.create_check_constraint("role", condition)
    else:
        op.drop_constraint(op.f("ck_operators_role"), "operators", type_="check")
        op.create_check_constraint("role", "operators", condition)
