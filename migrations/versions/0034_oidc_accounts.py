"""Operators may sign in at an OpenID Connect provider.

Why: companies end an account in one place.  An account belongs to issuer and subject, never to a user name; such an
operator has no password, and does not count as the administrator who must be left.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oidc_accounts",
        sa.Column("operator_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_oidc_accounts_operator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_oidc_accounts")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_oidc_accounts_issuer_subject")),
    )


def downgrade() -> None:
    # An older program would count them as administrators with a password.
    op.execute(sa.text("UPDATE operators SET active = false WHERE id IN (SELECT operator_id FROM oidc_accounts)"))
    op.drop_table("oidc_accounts")
