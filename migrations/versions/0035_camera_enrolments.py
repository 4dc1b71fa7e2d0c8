"""Photos that a camera's daemon takes of a person who is being enrolled at the door.

Why: people are recognised best by photos of the camera that they pass, and a clerk should not carry files.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_BEFORE = "'upload', 'browser', 'import'"


def upgrade() -> None:
    op.create_table(
        "camera_enrolments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("camera", sa.String(length=100), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("hint", sa.String(length=40), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("stage IN ('asked', 'taking', 'taken', 'nobody')", name=op.f("ck_camera_enrolments_stage")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_camera_enrolments_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_enrolments")),
    )
    op.create_index("ix_camera_enrolments_person_id", "camera_enrolments", ["person_id"])
    op.create_index("ix_camera_enrolments_camera", "camera_enrolments", ["camera"])
    op.create_table(
        "camera_enrolment_photos",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("enrolment_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["camera_enrolments.id"],
            name=op.f("fk_camera_enrolment_photos_enrolment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_enrolment_photos")),
    )
    op.create_index("ix_camera_enrolment_photos_enrolment_id", "camera_enrolment_photos", ["enrolment_id"])
    _sources(f"{_BEFORE}, 'camera'", _BEFORE)


def downgrade() -> None:
    op.execute("UPDATE templates SET source = 'browser' WHERE source = 'camera'")
    _sources(_BEFORE, f"{_BEFORE}, 'camera'")
    op.drop_table("camera_enrolment_photos")
    op.drop_table("camera_enrolments")


def _sources(names: str, before: str) -> None:
    """Replace the check; SQLite copies the table from the columns and checks that stand here."""
    with op.batch_alter_table("templates", copy_from=_templates(f"source IN ({before})")) as batch:
        batch.drop_constraint(op.f("ck_templates_source"), type_="check")
        batch.create_check_constraint(op.f("ck_templates_source"), f"source IN ({names})")


def _templates(source: str) -> sa.Table:
    return sa.Table(
        "templates",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(length=100), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("photo_sha256", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(source, name=op.f("ck_templates_source")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_templates_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint(
            "person_id", "model_id", "photo_sha256", name=op.f("uq_templates_person_id_model_id_photo_sha256")
        ),
        sa.Index(op.f("ix_templates_model_id"), "model_id"),
    )
