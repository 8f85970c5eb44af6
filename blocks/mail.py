"""The Prefect block for the mail server."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field

from blocks.loading import load_block
from fleet.errors import UsageError
from fleet.reports.smtp import MailServer
from storage.secret_file import read_secret


class MailRelay(Block):
    """The mail server that takes reports. The password stays in a file that the worker can read."""

    _block_type_name = "Mail relay"
    _block_type_slug = "mail-relay"
    _description = "SMTP server that takes the reports' mails."

    host: str = Field(description="Name of the SMTP server; its certificate must be for this name")
    port: int = Field(default=587, description="Submission port")
    username: str | None = Field(default=None, description="User, where the server wants one")
    password_file: Path | None = Field(default=None, description="File on the worker that holds the password")
    sender: str = Field(description="Address that the mails come from")
    starttls: bool = Field(default=True, description="Whether the connection must be encrypted by STARTTLS")
    ca_file: Path | None = Field(default=None, description="PEM of the server's authority; empty for the machine's own")

    def open(self) -> MailServer:
        """The mail server with its password."""
        return MailServer(
            host=self.host,
            port=self.port,
            username=self.username,
            password=read_secret(self.password_file) if self.password_file else None,
            sender=self.sender,
            starttls=self.starttls,
            ca_file=self.ca_file,
        )


def open_mail_server(name: str) -> MailServer:
    """The mail server that the block of this name describes.

    Raises:
        UsageError: there is no such block: no mail server was named.
    """
    try:
        relay = load_block(MailRelay, name)
    except ValueError:
        raise UsageError(
            "No mail server is known, so that the report cannot be mailed.",
            hint="Set FLEETSCOPE_SMTP_HOST and FLEETSCOPE_SMTP_FROM (fleetscope up --help).",
        ) from None
    return relay.open()
