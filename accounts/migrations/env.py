"""Where alembic starts: on the connection that `accounts.edge.schema` gives."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
