"""Names and departments with each letter and its marks as one character (NFC).

Why: the same name typed on two computers was two texts, and a department two departments.
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

TEXTS = (
    ("people", ("name", "external_id", "department", "notes")),
    ("access_grants", ("department",)),
    ("department_calendars", ("department",)),
    ("operator_teams", ("department",)),
)


def upgrade() -> None:
    bind = op.get_bind()
    for table, columns in TEXTS:
        for column in columns:
            named, place = sa.table(table, sa.column(column)), sa.column(column)
            for (text,) in bind.execute(sa.select(place).select_from(named).where(place.is_not(None)).distinct()).all():
                composed = unicodedata.normalize("NFC", text)
                if composed == text:
                    continue
                try:
                    with bind.begin_nested():
                        bind.execute(sa.update(named).where(place == text).values({column: composed}))
                except sa.exc.IntegrityError:
                    # The same number or department stands there in both ways: an administrator decides.
                    continue


def downgrade() -> None:
    """Nothing to undo: both ways of writing are the same text."""
