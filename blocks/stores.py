"""The stores of the installation in which a task runs, opened once a process from its blocks."""

from __future__ import annotations

from functools import cache
from threading import Lock

from blocks.credential_secrets import CredentialSecrets
from blocks.credential_vault import CredentialVault
from blocks.loading import load_block
from blocks.object_store import FleetObjects
from blocks.postgres import FleetDatabase
from storage.credentials.store import CredentialStore
from storage.stores import Stores

BLOCK_NAME = "fleetscope"
"""Each block type has one document of this name; ``deployments.bootstrap`` writes them."""
_lock = Lock()


def open_stores() -> Stores:
    """The stores that this installation's blocks name; later calls in the same process share them."""
    # Without the lock, threads that start together would each open a pool of connections of their own.
    with _lock:
        return _open()


@cache
def _open() -> Stores:
    database = load_block(FleetDatabase, BLOCK_NAME)
    objects = load_block(FleetObjects, BLOCK_NAME)
    return Stores.over(database.open(), objects.open(), open_credentials())


def open_credentials() -> CredentialStore:
    """The store of the one home of credentials that has a block."""
    try:
        vault = load_block(CredentialVault, BLOCK_NAME)
    except ValueError:
        return load_block(CredentialSecrets, BLOCK_NAME).open()
    return vault.open()
