"""Alembic migrations, run by ``Database.migrate``; the tests fail when tables and migrations differ."""
