"""What Alembic runs for every migration: on the connection handed in, inside the caller's transaction."""

from alembic import context

from app.engine.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
