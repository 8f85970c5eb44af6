"""An installation's stores, opened from where its parts are; the database is brought up to date first."""

from __future__ import annotations

from deployments.addresses import Addresses
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_server import VaultServer
from storage.database import Database
from storage.objects import ObjectStore
from storage.secret_file import read_secret
from storage.stores import Stores


def stores_of(addresses: Addresses) -> Stores:
    """The stores of an installation, for programs that run without Prefect.

    Raises:
        StoreUnavailable: the database or the object store cannot be reached.
    """
    database = Database(addresses.postgres.dsn, read_secret(addresses.postgres.password_file))
    database.migrate()
    objects = ObjectStore(
        addresses.s3.endpoint, addresses.s3.access_key, read_secret(addresses.s3.secret_key_file), addresses.s3.bucket
    )
    objects.ensure_bucket()
    vault = addresses.credentials
    server = VaultServer(vault.url, vault.namespace, vault.ca_file)
    return Stores.over(database, objects, VaultCredentialStore(server, vault.login, mount=vault.mount))
