"""What a Prefect server must know before a flow can run: the blocks that name this installation's parts."""

from __future__ import annotations

from blocks.credential_vault import CredentialVault
from blocks.mail import MailRelay
from blocks.object_store import FleetObjects
from blocks.postgres import FleetDatabase
from blocks.stores import BLOCK_NAME
from deployments.addresses import Addresses
from deployments.settings import Settings


def save_blocks(addresses: Addresses, settings: Settings) -> None:
    """Write the blocks, or bring them up to date. They name secrets' files and hold no secret."""
    FleetDatabase(dsn=addresses.postgres.dsn, password_file=addresses.postgres.password_file).save(
        BLOCK_NAME, overwrite=True
    )
    FleetObjects(
        endpoint=addresses.s3.endpoint,
        bucket=addresses.s3.bucket,
        access_key=addresses.s3.access_key,
        secret_key_file=addresses.s3.secret_key_file,
    ).save(BLOCK_NAME, overwrite=True)
    vault = addresses.credentials
    CredentialVault(
        address=vault.url, login=vault.login, mount=vault.mount, namespace=vault.namespace, ca_file=vault.ca_file
    ).save(BLOCK_NAME, overwrite=True)
    if settings.smtp_host and settings.smtp_from:
        MailRelay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password_file=settings.smtp_password_file,
            sender=settings.smtp_from,
            starttls=settings.smtp_starttls,
            ca_file=settings.smtp_ca_file,
        ).save(BLOCK_NAME, overwrite=True)
