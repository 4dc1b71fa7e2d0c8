"""People and keys have random ids; keys are in a table of their own; erasures have receipts.

Why: records that outlive a person (the audit, the ledger of erasures, receipts) name the person by an id that says
nothing.  Backups leave the table of keys out, so that an old backup and the master key open no template.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    with op.batch_alter_table("people") as table:
        table.add_column(sa.Column("uid", sa.String(length=36), nullable=True))
    people = {row[0]: str(uuid.uuid4()) for row in connection.execute(sa.text("SELECT id FROM people")).all()}
    _set(connection, "UPDATE people SET uid = :uid WHERE id = :id", people)
    # SQLite copies the table for that: the copy, too, must give no number a second time.
    sqlite = connection.dialect.name == "sqlite"
    sequence = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'people'")
    issued = connection.execute(sequence).scalar() if sqlite else None
    with op.batch_alter_table("people", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("uid", existing_type=sa.String(length=36), nullable=False)
        table.create_unique_constraint(op.f("uq_people_uid"), ["uid"])
    if issued is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'people'"))
        row = {"number": issued}
        connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('people', :number)"), row)
    # Entries of people who are gone keep the number, which nobody else gets.
    query = "UPDATE audit_entries SET subject_id = :uid WHERE subject_kind = 'person' AND subject_id = :id"
    _set(connection, query, {str(number): uid for number, uid in people.items()})

    material = op.create_table(
        "key_material",
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_key_material")),
    )
    with op.batch_alter_table("person_keys") as table:
        table.add_column(sa.Column("uid", sa.String(length=36), nullable=True))
    rows = connection.execute(sa.text("SELECT person_id, wrapped_key FROM person_keys")).all()
    uids = {row[0]: str(uuid.uuid4()) for row in rows}
    if rows:
        op.bulk_insert(material, [{"uid": uids[row[0]], "wrapped_key": bytes(row[1])} for row in rows])
    _set(connection, "UPDATE person_keys SET uid = :uid WHERE person_id = :id", uids)
    with op.batch_alter_table("person_keys") as table:
        table.drop_column("wrapped_key")
        table.alter_column("uid", existing_type=sa.String(length=36), nullable=False)
        table.create_unique_constraint(op.f("uq_person_keys_uid"), ["uid"])

    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('person', 'templates')", name=op.f("ck_erasures_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )


def downgrade() -> None:
    connection = op.get_bind()
    op.drop_table("erasures")
    with op.batch_alter_table("person_keys") as table:
        table.add_column(sa.Column("wrapped_key", sa.LargeBinary(), nullable=True))
    connection.execute(
        sa.text(
            "UPDATE person_keys SET wrapped_key = "
            "(SELECT wrapped_key FROM key_material WHERE key_material.uid = person_keys.uid)"
        )
    )
    connection.execute(sa.text("DELETE FROM person_keys WHERE wrapped_key IS NULL"))
    with op.batch_alter_table("person_keys") as table:
        table.alter_column("wrapped_key", existing_type=sa.LargeBinary(), nullable=False)
        table.drop_constraint(op.f("uq_person_keys_uid"), type_="unique")
        table.drop_column("uid")
    op.drop_table("key_material")
    with op.batch_alter_table("people", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(op.f("uq_people_uid"), type_="unique")
        table.drop_column("uid")


def _set(connection, statement, values) -> None:
    if values:
        connection.execute(sa.text(statement), [{"id": key, "uid": uid} for key, uid in values.items()])
