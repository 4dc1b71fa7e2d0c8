"""Areas, doors, access points, schedules, access levels, grants and overrides: who may pass where and when.

Why: whoever was recognised passed every door at every hour.  What worked goes on working: there is one door with every
camera, one schedule "always" and one access level "everybody".  At a site that is in use everybody who is active gets
that level, and so does everybody who is added later.  At a new site nobody gets it until somebody chooses so.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

log = logging.getLogger(__name__)

TABLES = (
    "person_places",
    "door_overrides",
    "access_states",
    "access_grants",
    "level_entries",
    "access_points",
    "doors",
    "access_levels",
    "special_days",
    "schedules",
    "areas",
)
COLUMNS = ("door_id", "rule", "policy_version", "marks", "phase", "opener")
AT_ONCE = 500


def upgrade() -> None:
    _schedules_and_levels()
    _doors()
    _people()
    _passages()
    _first_rows(op.get_bind(), datetime.now(UTC))


def _first_rows(connection: sa.Connection, now: datetime) -> None:
    """Make the first door, schedule and level, and give the level to those who passed every door until now."""

    def insert(table: str, **values: object) -> None:
        columns = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(sa.text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)  # noqa: S608

    def one(query: str) -> object:
        return connection.execute(sa.text(query)).scalar()

    door = one("SELECT door FROM door_events ORDER BY id DESC LIMIT 1") or "door"
    always = sa.table("schedules", sa.column("name", sa.String), sa.column("week", sa.JSON))
    op.bulk_insert(always, [{"name": "always", "week": [[[0, 1440]]] * 7}])
    insert("access_levels", name="everybody")
    insert("doors", name=door)
    schedule_id = one("SELECT id FROM schedules")
    level_id = one("SELECT id FROM access_levels")
    door_id = one("SELECT id FROM doors")
    insert("level_entries", level_id=level_id, door_id=door_id, schedule_id=schedule_id)
    cameras = connection.execute(sa.text("SELECT name FROM cameras ORDER BY id")).scalars().all()
    for camera in cameras:
        insert("access_points", name=camera, door_id=door_id)
    settings = sa.table(
        "settings", sa.column("key"), sa.column("value", sa.JSON), sa.column("updated_at", sa.DateTime(timezone=True))
    )
    op.bulk_insert(settings, [{"key": "policy_version", "value": 1, "updated_at": now}])
    used = any(one(f"SELECT 1 FROM {table} LIMIT 1") for table in ("people", "passages", "cameras"))  # noqa: S608
    if not used:
        return
    op.bulk_insert(settings, [{"key": "default_level", "value": level_id, "updated_at": now}])
    people = connection.execute(sa.text("SELECT id FROM people WHERE active")).scalars().all()
    grants = sa.table(
        "access_grants",
        sa.column("level_id"),
        sa.column("person_id"),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("created_by"),
    )
    given = [{"level_id": level_id, "person_id": one, "created_at": now, "created_by": "upgrade"} for one in people]
    for start in range(0, len(given), AT_ONCE):
        op.bulk_insert(grants, given[start : start + AT_ONCE])
    log.warning(
        "doors have rules now: door «%s» with %d cameras, schedule «always», access level «everybody» for %d active "
        "people and for everybody who is added later; change that on the page Access",
        door,
        len(cameras),
        len(given),
    )


def _schedules_and_levels() -> None:
    op.create_table(
        "access_levels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_levels")),
        sa.UniqueConstraint("name", name=op.f("uq_access_levels_name")),
    )
    op.create_table(
        "areas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("occupancy_max", sa.Integer(), nullable=True),
        sa.Column("antipassback", sa.String(length=10), nullable=False),
        sa.Column("reset_min", sa.Integer(), nullable=True),
        sa.Column("reset_at", sa.Integer(), nullable=True),
        sa.CheckConstraint("antipassback IN ('off', 'soft', 'hard')", name=op.f("ck_areas_antipassback")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_areas")),
        sa.UniqueConstraint("name", name=op.f("uq_areas_name")),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("name", name=op.f("uq_schedules_name")),
    )
    op.create_table(
        "special_days",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_special_days_schedule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("schedule_id", "day", name=op.f("pk_special_days")),
    )


def _doors() -> None:
    op.create_table(
        "doors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("door_group", sa.String(length=100), server_default=sa.text("''"), nullable=False),
        sa.Column("driver", sa.String(length=40), server_default="null", nullable=False),
        sa.Column("driver_settings", sa.LargeBinary(), nullable=True),
        sa.Column("imported_from", sa.String(length=100), nullable=True),
        sa.Column("release_s", sa.Double(), server_default="3", nullable=False),
        sa.Column("extended_release_s", sa.Double(), server_default="10", nullable=False),
        sa.Column("open_too_long_s", sa.Double(), server_default="30", nullable=False),
        sa.Column("prealarm_s", sa.Double(), server_default="10", nullable=False),
        sa.Column("passage_s", sa.Double(), server_default="5", nullable=False),
        sa.Column("watch_forced", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("contact", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("interlock_group", sa.String(length=100), server_default=sa.text("''"), nullable=False),
        sa.Column("standing", sa.String(length=10), server_default="secure", nullable=False),
        sa.Column("unlock_schedule_id", sa.Integer(), nullable=True),
        sa.Column("unlock_after_first", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("lock_schedule_id", sa.Integer(), nullable=True),
        sa.Column("usual_schedule_id", sa.Integer(), nullable=True),
        sa.Column("first_level_id", sa.Integer(), nullable=True),
        sa.Column("two_person_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("step_up", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("factor_timeout_s", sa.Integer(), server_default="20", nullable=False),
        sa.Column("offline_s", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("standing IN ('secure', 'unlock', 'lock', 'block')", name=op.f("ck_doors_standing")),
        sa.ForeignKeyConstraint(["unlock_schedule_id"], ["schedules.id"], name=op.f("fk_doors_unlock_schedule_id")),
        sa.ForeignKeyConstraint(["lock_schedule_id"], ["schedules.id"], name=op.f("fk_doors_lock_schedule_id")),
        sa.ForeignKeyConstraint(["usual_schedule_id"], ["schedules.id"], name=op.f("fk_doors_usual_schedule_id")),
        sa.ForeignKeyConstraint(["first_level_id"], ["access_levels.id"], name=op.f("fk_doors_first_level_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doors")),
        sa.UniqueConstraint("name", name=op.f("uq_doors_name")),
    )
    op.create_table(
        "access_points",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("door_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=10), server_default="camera", nullable=False),
        sa.Column("area_from_id", sa.Integer(), nullable=True),
        sa.Column("area_to_id", sa.Integer(), nullable=True),
        sa.Column("factors", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.CheckConstraint("source IN ('camera', 'kiosk', 'badge', 'button')", name=op.f("ck_access_points_source")),
        sa.ForeignKeyConstraint(["door_id"], ["doors.id"], name=op.f("fk_access_points_door_id")),
        sa.ForeignKeyConstraint(["area_from_id"], ["areas.id"], name=op.f("fk_access_points_area_from_id")),
        sa.ForeignKeyConstraint(["area_to_id"], ["areas.id"], name=op.f("fk_access_points_area_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_points")),
        sa.UniqueConstraint("name", name=op.f("uq_access_points_name")),
    )
    op.create_index(op.f("ix_access_points_door_id"), "access_points", ["door_id"], unique=False)
    op.create_table(
        "door_overrides",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("door_id", sa.Integer(), nullable=True),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("set_by", sa.String(length=100), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.CheckConstraint("mode IN ('unlock', 'lock', 'block', 'lockdown')", name=op.f("ck_door_overrides_mode")),
        sa.CheckConstraint("source IN ('operator', 'emergency')", name=op.f("ck_door_overrides_source")),
        sa.ForeignKeyConstraint(["door_id"], ["doors.id"], name=op.f("fk_door_overrides_door_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door_overrides")),
    )
    op.create_index(op.f("ix_door_overrides_ended_at"), "door_overrides", ["ended_at"], unique=False)
    op.create_table(
        "level_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("level_id", sa.Integer(), nullable=False),
        sa.Column("door_id", sa.Integer(), nullable=True),
        sa.Column("door_group", sa.String(length=100), server_default=sa.text("''"), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(door_id IS NULL) <> (door_group = '')", name=op.f("ck_level_entries_target")),
        sa.ForeignKeyConstraint(
            ["level_id"], ["access_levels.id"], name=op.f("fk_level_entries_level_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["door_id"], ["doors.id"], name=op.f("fk_level_entries_door_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_level_entries_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_level_entries")),
    )
    op.create_index(op.f("ix_level_entries_level_id"), "level_entries", ["level_id"], unique=False)


def _people() -> None:
    op.create_table(
        "access_grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("level_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("department", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint("(person_id IS NULL) <> (department = '')", name=op.f("ck_access_grants_target")),
        sa.ForeignKeyConstraint(["level_id"], ["access_levels.id"], name=op.f("fk_access_grants_level_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_access_grants_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grants")),
    )
    op.create_index(op.f("ix_access_grants_department"), "access_grants", ["department"], unique=False)
    op.create_index(op.f("ix_access_grants_level_id"), "access_grants", ["level_id"], unique=False)
    op.create_index(op.f("ix_access_grants_person_id"), "access_grants", ["person_id"], unique=False)
    op.create_table(
        "access_states",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("reason", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duress_pin_hash", sa.Text(), nullable=True),
        sa.Column("extended", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("exemptions", sa.JSON(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_access_states_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_access_states")),
    )
    op.create_table(
        "person_places",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passage_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_places_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_person_places_area_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_places")),
    )
    op.create_index(op.f("ix_person_places_area_id"), "person_places", ["area_id"], unique=False)


def _passages() -> None:
    op.add_column("passages", sa.Column("door_id", sa.Integer(), nullable=True))
    op.add_column("passages", sa.Column("rule", sa.String(length=80), nullable=True))
    op.add_column("passages", sa.Column("policy_version", sa.Integer(), nullable=True))
    op.add_column("passages", sa.Column("marks", sa.String(length=100), server_default=sa.text("''"), nullable=False))
    op.add_column("passages", sa.Column("phase", sa.String(length=10), nullable=True))
    op.add_column("passages", sa.Column("opener", sa.String(length=100), nullable=True))
    op.create_index(op.f("ix_passages_door_id_at"), "passages", ["door_id", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("passages") as batch:
        batch.drop_index(op.f("ix_passages_door_id_at"))
        for column in COLUMNS:
            batch.drop_column(column)
    for table in TABLES:
        op.drop_table(table)
    op.execute("DELETE FROM settings WHERE key IN ('policy_version', 'default_level')")
