"""Kiosks, PINs, badges and one-time links; and by which of them a passage was made.

Why: a face may never be the only way in.  Passages from before were all made by a face.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _at(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    # Added in place: copying the table of passages would take long, and its CHECK would be lost on SQLite.
    op.add_column("passages", sa.Column("method", sa.String(length=10), server_default="face", nullable=False))
    op.create_table(
        "kiosk_devices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("screen_of", sa.String(length=100), nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        _at("code_expires_at", nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        _at("created_at"),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        _at("paired_at", nullable=True),
        _at("last_seen_at", nullable=True),
        _at("revoked_at", nullable=True),
        sa.CheckConstraint("direction IN ('in', 'out', 'unknown')", name=op.f("ck_kiosk_devices_direction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_devices")),
        sa.UniqueConstraint("name", name=op.f("uq_kiosk_devices_name")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_kiosk_devices_code_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_kiosk_devices_token_hash")),
    )
    op.create_table(
        "person_secrets",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("pin_hash", sa.Text(), nullable=True),
        _at("pin_set_at", nullable=True),
        sa.Column("badge_hash", sa.String(length=64), nullable=True),
        _at("badge_made_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_secrets_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_secrets")),
        sa.UniqueConstraint("badge_hash", name=op.f("uq_person_secrets_badge_hash")),
    )
    op.create_table(
        "pin_attempts",
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _at("last_at"),
        _at("locked_until", nullable=True),
        sa.PrimaryKeyConstraint("number_hash", name=op.f("pk_pin_attempts")),
    )
    op.create_table(
        "person_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        _at("created_at"),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        _at("expires_at"),
        _at("used_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_links_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_person_links_token_hash")),
    )
    op.create_index(op.f("ix_person_links_person_id"), "person_links", ["person_id"])


def downgrade() -> None:
    for table in ("person_links", "pin_attempts", "person_secrets", "kiosk_devices"):
        op.drop_table(table)
    op.drop_column("passages", "method")
