"""Alembic's entry: runs the revisions on the connection that `attendance.store.migrate` hands over.

In: `config.attributes["connection"]`, already inside a transaction.  Out: DDL on that connection.
Does not know: the database's URL; it commits nothing, so that an upgrade is all or nothing.
"""

from alembic import context

from attendance.store.tables import alarms, hours, kiosk  # noqa: F401  fills the metadata
from attendance.store.tables.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
context.run_migrations()
