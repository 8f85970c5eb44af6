"""What a Prefect server must know before a flow can run: the blocks that name this installation's parts."""

from __future__ import annotations

from blocks.credential_secrets import CredentialSecrets
from blocks.credential_vault import CredentialVault
from blocks.loading import delete_block
from blocks.mail import MailRelay
from blocks.object_store import FleetObjects
from blocks.postgres import FleetDatabase
from blocks.retention import DataLifetimes
from blocks.stores import BLOCK_NAME
from deployments.addresses import Addresses, SecretsAddress, VaultAddress
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
    _save_credentials(addresses.credentials)
    DataLifetimes(lifetimes=settings.lifetimes()).save(BLOCK_NAME, overwrite=True)
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


def _save_credentials(home: VaultAddress | SecretsAddress) -> None:
    """Write the block of the credentials' home; there is one of either type, so that all open the same."""
    if isinstance(home, SecretsAddress):
        CredentialSecrets(
            namespace=home.namespace, keyring_file=home.keyring_file, kubeconfig_file=home.kubeconfig_file
        ).save(BLOCK_NAME, overwrite=True)
        delete_block(CredentialVault, BLOCK_NAME)
    else:
        CredentialVault(
            address=home.url, login=home.login, mount=home.mount, namespace=home.namespace, ca_file=home.ca_file
        ).save(BLOCK_NAME, overwrite=True)
        delete_block(CredentialSecrets, BLOCK_NAME)
