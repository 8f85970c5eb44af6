"""The Prefect block for fleetscope's own PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field

from storage.database import Database
from storage.secret_file import read_secret


class FleetDatabase(Block):
    """Where results are kept. The password stays in a file that the worker can read; the block only names it."""

    _block_type_name = "Fleet database"
    _block_type_slug = "fleet-database"
    _description = "PostgreSQL that keeps clusters, coverage, findings, incidents, investigations and reports."

    dsn: str = Field(description="Address without a password: postgresql://user@host:port/database")
    password_file: Path = Field(description="File on the worker that holds the password")

    def open(self) -> Database:
        """A database whose connections are made when first needed."""
        return Database(self.dsn, read_secret(self.password_file))
