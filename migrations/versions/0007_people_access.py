"""Supervisors who look after teams, operators who are people of the site, cameras that pages may rename and turn.

Why: who decides a team's corrections need not see doors, thresholds and everybody else; and nobody decides
about themselves, which takes knowing who an operator is.  A camera's name in passages stays the daemon's
own, so the name on pages is a column beside it; so is the direction that a page gives.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROLES = "role IN ('admin', 'supervisor', 'viewer')"
_ROLES_BEFORE = "role IN ('admin', 'viewer')"


def _operators(roles: str, *columns: sa.Column[object] | sa.ForeignKeyConstraint) -> sa.Table:
    """The table as it stands: SQLite does not tell its CHECKs, so that copying it by itself would lose them."""
    return sa.Table(
        "operators",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        *columns,
        sa.CheckConstraint(roles, name=op.f("ck_operators_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("username", name=op.f("uq_operators_username")),
    )


def upgrade() -> None:
    with op.batch_alter_table("operators", copy_from=_operators(_ROLES_BEFORE)) as batch:
        batch.drop_constraint(op.f("ck_operators_role"), type_="check")
        batch.create_check_constraint(op.f("ck_operators_role"), _ROLES)
        batch.add_column(sa.Column("person_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_operators_person_id"), "people", ["person_id"], ["id"], ondelete="SET NULL")
    op.create_table(
        "operator_teams",
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_operator_teams_operator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operator_id", "department", name=op.f("pk_operator_teams")),
    )
    # Added in place, as the copy would lose the CHECK of the direction.
    op.add_column("cameras", sa.Column("title", sa.String(length=100), nullable=True))
    op.add_column("cameras", sa.Column("wanted_direction", sa.String(length=10), nullable=True))


def downgrade() -> None:
    for column in ("wanted_direction", "title"):
        op.drop_column("cameras", column)
    op.drop_table("operator_teams")
    # A role that the older program does not know: who only decided now only reads.
    op.execute("UPDATE operators SET role = 'viewer' WHERE role = 'supervisor'")
    person = sa.Column("person_id", sa.Integer(), nullable=True)
    reference = sa.ForeignKeyConstraint(
        ["person_id"], ["people.id"], name=op.f("fk_operators_person_id"), ondelete="SET NULL"
    )
    with op.batch_alter_table("operators", copy_from=_operators(_ROLES, person, reference)) as batch:
        batch.drop_constraint(op.f("fk_operators_person_id"), type_="foreignkey")
        batch.drop_column("person_id")
        batch.drop_constraint(op.f("ck_operators_role"), type_="check")
        batch.create_check_constraint(op.f("ck_operators_role"), _ROLES_BEFORE)
