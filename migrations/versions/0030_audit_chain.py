"""Entries of the audit are a chain, and heads of it are signed.

Why: whoever can write the database could change or delete an entry, and nobody saw it.  Each entry now holds the hash
of the entry before, and signed heads are kept apart, too.  Entries that are there already are chained in the order of
their ids.  The hash is computed here in the way of that version, so that later versions verify it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_FIELDS = ("id", "at", "actor_kind", "actor_name", "action", "subject_kind", "subject_id", "detail")


def upgrade() -> None:
    connection = op.get_bind()
    with op.batch_alter_table("audit_entries") as table:
        table.add_column(sa.Column("seq", sa.Integer(), nullable=True))
        table.add_column(sa.Column("source", sa.String(length=60), server_default="", nullable=False))
        table.add_column(sa.Column("hash", sa.String(length=64), server_default="", nullable=False))
    seq, before = 0, ""
    rows = connection.execute(sa.text(f"SELECT {', '.join(_FIELDS)} FROM audit_entries ORDER BY id")).all()  # noqa: S608  constants
    for seq, row in enumerate(rows, 1):
        values = dict(zip(_FIELDS, row, strict=True))
        detail = values["detail"]
        values |= {"seq": seq, "source": "", "before": before, "at": _utc(values["at"])}
        values["detail"] = json.loads(detail) if isinstance(detail, str) else detail
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        before = hashlib.sha256(text.encode()).hexdigest()
        statement = sa.text("UPDATE audit_entries SET seq = :seq, hash = :hash WHERE id = :id")
        connection.execute(statement, {"seq": seq, "hash": before, "id": values["id"]})
    with op.batch_alter_table("audit_entries") as table:
        table.alter_column("seq", existing_type=sa.Integer(), nullable=False)
        table.alter_column("source", existing_type=sa.String(length=60), server_default=None)
        table.alter_column("hash", existing_type=sa.String(length=64), server_default=None)
        table.create_unique_constraint(op.f("uq_audit_entries_seq"), ["seq"])
    if seq:
        settings = sa.table(
            "settings",
            sa.column("key"),
            sa.column("value", sa.JSON),
            sa.column("updated_at", sa.DateTime(timezone=True)),
        )
        chain = {"key": "audit_chain", "value": {"seq": seq, "hash": before}, "updated_at": datetime.now(UTC)}
        connection.execute(settings.insert().values(**chain))
    op.create_table(
        "audit_heads",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removal", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_heads")),
    )


def downgrade() -> None:
    op.drop_table("audit_heads")
    op.execute(sa.text("DELETE FROM settings WHERE key IN ('audit_chain', 'audit_check')"))
    with op.batch_alter_table("audit_entries") as table:
        table.drop_constraint(op.f("uq_audit_entries_seq"), type_="unique")
        table.drop_column("hash")
        table.drop_column("source")
        table.drop_column("seq")


def _utc(at) -> str:
    """Return the time as it is hashed.  A plain query gives SQLite's text, without a zone; PostgreSQL has times."""
    value = datetime.fromisoformat(at) if isinstance(at, str) else at
    value = value.replace(tzinfo=UTC) if value.utcoffset() is None else value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")
