"""An installation's stores, opened from where its parts are; the database is brought up to date first."""

from __future__ import annotations

from contextlib import closing

from deployments.addresses import Addresses, SecretsAddress, VaultAddress
from fleet.inventory.endpoint_load import EndpointLoad
from storage.credentials.store import CredentialStore
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_server import VaultServer
from storage.database import Database
from storage.governor import EndpointGovernor
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
    return Stores.over(database, objects, _credentials(addresses.credentials))


def endpoint_loads(addresses: Addresses) -> list[EndpointLoad]:
    """What each endpoint is being asked by all of the installation's processes.

    Raises:
        StoreError: the database cannot be reached, or has no tables yet.
    """
    database = Database(addresses.postgres.dsn, read_secret(addresses.postgres.password_file))
    with closing(database):
        return EndpointGovernor(database).loads()


def _credentials(home: VaultAddress | SecretsAddress) -> CredentialStore:
    if isinstance(home, SecretsAddress):
        # The official client takes half a second to import, which those who use Vault need not wait for.
        from storage.credentials.kubernetes_secrets import KubernetesCredentialStore

        return KubernetesCredentialStore.at(home.kubeconfig_file, home.namespace, home.keyring_file)
    return VaultCredentialStore(VaultServer(home.url, home.namespace, home.ca_file), home.login, mount=home.mount)
