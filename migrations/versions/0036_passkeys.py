"""Operators may sign in with passkeys, beside password and app.

Why: a code can be typed into a page that only looks like this site; a passkey answers no other host.  What it answered
is kept for a day, so that an answer counts once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("rp_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_passkeys_operator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_operator_id"), "passkeys", ["operator_id"])
    op.create_table(
        "spent_challenges",
        sa.Column("challenge_hash", sa.String(length=64), nullable=False),
        sa.Column("spent_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name=op.f("pk_spent_challenges")),
    )


def downgrade() -> None:
    """Forget passkeys; recovery codes of operators without an app are of no use to an older program."""
    op.execute(sa.text("DELETE FROM recovery_codes WHERE operator_id NOT IN (SELECT operator_id FROM second_factors)"))
    op.drop_table("spent_challenges")
    op.drop_table("passkeys")
