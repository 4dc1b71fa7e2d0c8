"""Operators may have a second factor beside the password.

Why: whoever learned a password was signed in.  An authenticator app's secret is sealed with the master key; recovery
codes are hashes.  Between password and code a sign-in is a row of a table of its own, which opens nothing.  A sign-in
may also be by a passkey or by OpenID Connect from now on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("operator_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_second_factors_operator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_recovery_codes_operator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_operator_id"), "recovery_codes", ["operator_id"])
    op.create_table(
        "half_sign_ins",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("begun_mark", sa.String(length=100), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_half_sign_ins_operator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_half_sign_ins")),
    )
    op.create_index(op.f("ix_half_sign_ins_operator_id"), "half_sign_ins", ["operator_id"])
    _ways("'password', 'pin', 'link', 'passkey', 'oidc'")


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM sign_ins WHERE way IN ('passkey', 'oidc')"))
    _ways("'password', 'pin', 'link'")
    op.drop_table("half_sign_ins")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")


def _ways(ways: str) -> None:
    # SQLite copies the table, and would lose the other CHECK of one that was only looked at.
    with op.batch_alter_table("sign_ins", copy_from=_sign_ins()) as table:
        table.drop_constraint(op.f("ck_sign_ins_way"), type_="check")
        table.create_check_constraint(op.f("ck_sign_ins_way"), f"way IN ({ways})")


def _sign_ins() -> sa.Table:
    return sa.Table(
        "sign_ins",
        sa.MetaData(),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("begun_mark", sa.String(length=100), nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("seen_mark", sa.String(length=100), nullable=False),
        sa.Column("proven_at", _TIME, nullable=False),
        sa.Column("proven_mark", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("browser", sa.String(length=100), nullable=False),
        sa.CheckConstraint("way IN ('password', 'pin', 'link')", name=op.f("ck_sign_ins_way")),
        sa.CheckConstraint("(operator_id IS NULL) <> (person_id IS NULL)", name=op.f("ck_sign_ins_whose")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_sign_ins_operator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sign_ins_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
        sa.Index(op.f("ix_sign_ins_operator_id"), "operator_id"),
        sa.Index(op.f("ix_sign_ins_person_id"), "person_id"),
    )
