"""Runs the steps on the connection that `delivery.store.upgrade` hands over; there is no ini file."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    transaction_per_migration=False,  # all of an upgrade or nothing
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
