"""Alembic migrations, written by hand and run by ``Database.migrate``.

A test compares what they lead to with ``storage.tables`` and prints each difference: add the next numbered file
beside the last one until there is none.
"""
