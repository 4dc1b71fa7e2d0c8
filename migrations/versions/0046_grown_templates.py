"""Templates that grow: looks of confirmed passages, the consent to that, and what proved those passages.

Why: what grew is kept apart from the photos that an operator confirmed, and needs a consent of its own.  Nobody has
agreed to it yet.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: tables that refer to people would otherwise lose their rows on SQLite.
    op.add_column("people", sa.Column("growth_consent_at", sa.DateTime(timezone=True), nullable=True))
    _purposes("'access', 'attendance', 'growth'")
    op.create_table(
        "grown_templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(length=100), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("camera", sa.String(length=100), nullable=False),
        sa.Column("passage_id", sa.String(length=36), nullable=False),
        sa.Column("grown_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("usable_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_grown_templates_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grown_templates")),
        sa.UniqueConstraint("uid", name=op.f("uq_grown_templates_uid")),
    )
    for column in ("person_id", "model_id", "usable_at"):
        op.create_index(f"ix_grown_templates_{column}", "grown_templates", [column])
    op.create_table(
        "pin_proofs",
        sa.Column("passage_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_pin_proofs_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("passage_id", name=op.f("pk_pin_proofs")),
    )
    for column in ("person_id", "at"):
        op.create_index(f"ix_pin_proofs_{column}", "pin_proofs", [column])


def downgrade() -> None:
    """Delete what grew: an older program does not know it, and would keep it after a withdrawal."""
    op.drop_table("pin_proofs")
    op.drop_table("grown_templates")
    op.execute("DELETE FROM consents WHERE purpose = 'growth'")
    _purposes("'access', 'attendance'")
    # Not in a batch, which would copy the table and lose what keeps SQLite from issuing a number twice.
    op.drop_column("people", "growth_consent_at")


def _purposes(words: str) -> None:
    with op.batch_alter_table("consents") as batch:
        batch.drop_constraint(op.f("ck_consents_purpose"), type_="check")
        batch.create_check_constraint(op.f("ck_consents_purpose"), f"purpose IN ({words})")
