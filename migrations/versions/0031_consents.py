"""Consents purpose by purpose, with their history; check-ins that do not count as working time.

Why: one consent stood for the door and for working time, and its withdrawal deleted that it had existed.  A consent
from before was to both, in words that are kept; its language and its way are not known.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("noted_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint("purpose IN ('access', 'attendance')", name=op.f("ck_consents_purpose")),
        sa.CheckConstraint("act IN ('given', 'withdrawn', 'ended')", name=op.f("ck_consents_act")),
        sa.CheckConstraint(
            "channel IN ('paper', 'page', 'email', 'self', 'file', 'command', 'retention', 'before')",
            name=op.f("ck_consents_channel"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_consents_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_person_id"), "consents", ["person_id"])
    # Added and dropped in place: tables that refer to people would otherwise lose their rows on SQLite.
    op.add_column("people", sa.Column("access_consent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("people", sa.Column("attendance_consent_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(sa.text("UPDATE people SET access_consent_at = consent_at, attendance_consent_at = consent_at"))
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT id, consent_text FROM people WHERE consent_at IS NOT NULL")).all()
    statement = sa.text(
        "INSERT INTO consents (person_id, purpose, act, at, version, words, language, channel, noted_by) "
        "SELECT id, :purpose, 'given', consent_at, :version, :words, '', 'before', '' FROM people WHERE id = :id"
    )
    for person_id, text in found:
        words = text or ""
        version = hashlib.sha256(words.encode()).hexdigest()[:12]
        for purpose in ("access", "attendance"):
            values = {"id": person_id, "purpose": purpose, "version": version, "words": words}
            connection.execute(statement, values)
    op.drop_column("people", "consent_text")
    op.drop_column("people", "consent_at")
    op.add_column("passages", sa.Column("for_hours", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Keep the consents that hold for both purposes, without their history.

    Check-ins that did not count as working time count in an older program: it has no word for them.  Whoever goes
    back for longer than a try closes the periods first, and looks at the days of who agreed to access only.
    """
    op.drop_column("passages", "for_hours")
    op.add_column("people", sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("people", sa.Column("consent_text", sa.Text(), nullable=True))
    # Nobody who agreed to one purpose only is recognised for the other one: such a consent ends.
    op.execute(
        sa.text(
            "UPDATE people SET consent_at = access_consent_at, consent_text = (SELECT words FROM consents "
            "WHERE person_id = people.id AND purpose = 'access' AND act = 'given' ORDER BY at DESC, id DESC LIMIT 1) "
            "WHERE access_consent_at IS NOT NULL AND attendance_consent_at IS NOT NULL"
        )
    )
    op.drop_column("people", "attendance_consent_at")
    op.drop_column("people", "access_consent_at")
    op.drop_table("consents")
