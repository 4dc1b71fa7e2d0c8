"""Roles of operators beside administrator, supervisor and viewer.

Why: whoever had to enrol people, or to read the audit, had to be an administrator.  Operators keep their roles.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_BEFORE = ("admin", "supervisor", "viewer")
_ROLES = (
    "owner", "admin", "enroller", "hr", "supervisor", "security_officer", "privacy_officer", "auditor", "viewer",
)  # fmt: skip


def upgrade() -> None:
    _allow(_ROLES)


def downgrade() -> None:
    """Turn the roles that were not there before into the nearest that shows no more."""
    op.execute(sa.text("UPDATE operators SET role = 'admin' WHERE role = 'owner'"))
    before = ", ".join(f"'{role}'" for role in _BEFORE)
    # A viewer sees more than most of these roles, so they cannot sign in until somebody gives them a role.
    op.execute(sa.text(f"UPDATE operators SET role = 'viewer', active = FALSE WHERE role NOT IN ({before})"))  # noqa: S608  constants
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
