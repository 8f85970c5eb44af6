"""Registering clusters: their rows together with their secrets, planned first and then carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fleet.credentials import ClusterCredential
from fleet.errors import CredentialMissing
from fleet.inventory.cluster import Cluster, credential_ref
from fleet.inventory.registration import FieldDifference, PlannedChange, Registration, Step, differences_of
from storage.clusters import ClusterStore
from storage.credentials.store import CredentialStore

_NOTHING = ClusterCredential()


@dataclass(frozen=True)
class Plan:
    """What would be changed: one change a cluster, those to be removed last.

    Attributes:
        changes: in the order of ``registrations``, then the removals.
        registrations: what shall be registered.
    """

    changes: list[PlannedChange]
    registrations: list[Registration]

    @property
    def is_empty(self) -> bool:
        """Whether everything is already as it shall be."""
        return all(change.step is Step.UNCHANGED for change in self.changes)


class Registry:
    """The registry of clusters: rows and secrets. Methods raise what the two stores raise."""

    def __init__(self, clusters: ClusterStore, credentials: CredentialStore) -> None:
        self._clusters = clusters
        self._credentials = credentials

    def plan(self, registrations: Sequence[Registration], *, prune: bool = False) -> Plan:
        """How the registrations differ from the registry; changes nothing. Secrets are compared, never shown.

        Args:
            registrations: what shall be registered, each name once.
            prune: whether clusters of the fleet that are not among them shall be removed.
        """
        names = [registration.cluster.name for registration in registrations]
        known = self._clusters.known([registration.cluster.id for registration in registrations])
        changes = [self._change(known.get(each.cluster.id), each) for each in registrations]
        if prune:
            gone = [cluster for cluster in self._clusters.list(active=None) if cluster.name not in set(names)]
            changes += [PlannedChange(name=each.name, step=Step.REMOVED) for each in gone]
        return Plan(changes=changes, registrations=list(registrations))

    def carry_out(self, plan: Plan) -> list[Cluster]:
        """Do what a plan says and no more; killed in the middle, the next plan says the rest.

        A credential that the plan does not change is not written: it may have been rotated since.

        Returns:
            What is registered now.
        """
        registered = []
        for change, registration in zip(plan.changes, plan.registrations, strict=False):
            registered.append(
                self._clusters.get(registration.cluster.id)
                if change.step is Step.UNCHANGED
                else self.register(_without_what_stays(registration, change))
            )
        for change in plan.changes:
            if change.step is Step.REMOVED:
                self.remove(change.name)
        return registered

    def register(self, registration: Registration) -> Cluster:
        """Keep a cluster's secret, then its row, each in place of what was there."""
        cluster, credential = registration.cluster, registration.credential
        ref = credential_ref(cluster.name)
        if credential is None:
            known = self._clusters.known([cluster.id]).get(cluster.id)
            return self._clusters.put(cluster.model_copy(update={"credential_ref": known and known.credential_ref}))
        if credential == _NOTHING:
            # The secret first: where that fails, the row still names it, and the next plan says so.
            self._credentials.delete(ref)
            return self._clusters.put(cluster.model_copy(update={"credential_ref": None}))
        self._credentials.put(ref, credential)
        return self._clusters.put(cluster.model_copy(update={"credential_ref": ref}))

    def update(
        self,
        name: str,
        change: Callable[[Cluster], Cluster],
        recredit: Callable[[ClusterCredential], ClusterCredential] | None = None,
    ) -> tuple[Cluster, list[FieldDifference]]:
        """Change what is registered of a cluster; returns it with what is different now.

        Args:
            name: the cluster's.
            change: gives the cluster as it shall be, of the cluster as it is; it may be asked twice.
            recredit: gives what its reference shall hold, untried, of what it holds; None to leave that.

        Raises:
            NotFound: there is none; whatever ``change`` raises, and then nothing is changed.
            CredentialConflict: another credential became current meanwhile.
        """
        known = self._clusters.by_name(name)
        differences = differences_of(known, change(known))
        ref = known.credential_ref
        if recredit is not None:
            ref = credential_ref(name)
            current = self._credentials.version(ref)
            stored = self.stored_credential(known)
            wanted = recredit(stored)
            if wanted != stored:
                differences += _credential_differences(stored, wanted)
                self._credentials.put(ref, wanted, replaces=current.number if current else 0)
            elif stored == _NOTHING:
                ref = known.credential_ref
        updated = self._clusters.change(name, lambda now: change(now).model_copy(update={"credential_ref": ref}))
        return updated, differences

    def remove(self, name: str) -> None:
        """Forget a cluster's secret, then strike it from the registry; its results stay.

        Where the credential store fails, the cluster is still there, to be removed once more.

        Raises:
            NotFound: there is none.
        """
        cluster = self._clusters.by_name(name)
        if cluster.credential_ref:
            self._credentials.delete(cluster.credential_ref)
        self._clusters.delete(cluster.id)

    def stored_credential(self, cluster: Cluster) -> ClusterCredential:
        """What a cluster's reference holds now; one that holds nothing where it has none."""
        if cluster.credential_ref is None:
            return _NOTHING
        try:
            return self._credentials.get(cluster.credential_ref, refresh=True)
        except CredentialMissing:
            return _NOTHING

    def _change(self, known: Cluster | None, registration: Registration) -> PlannedChange:
        differences = differences_of(known, registration.cluster)
        if registration.credential is not None:
            stored = _NOTHING if known is None else self.stored_credential(known)
            differences += _credential_differences(stored, registration.credential)
            if known is not None and known.credential_ref and stored == registration.credential == _NOTHING:
                # The row names a secret that is gone: whoever reads the cluster would miss it.
                differences.append(FieldDifference(field="credential", before="missing", after=None))
        step = Step.ADDED if known is None else Step.CHANGED if differences else Step.UNCHANGED
        return PlannedChange(name=registration.cluster.name, step=step, differences=differences)


def _without_what_stays(registration: Registration, change: PlannedChange) -> Registration:
    changes_credential = any(each.is_of_credential for each in change.differences)
    return registration if changes_credential else registration.model_copy(update={"credential": None})


def _credential_differences(stored: ClusterCredential, wanted: ClusterCredential) -> Iterable[FieldDifference]:
    """Which credentials are other ones, without a word of what they are."""
    places = {"credential": (stored.default, wanted.default)}
    for kind in sorted(stored.endpoints.keys() | wanted.endpoints.keys()):
        places[f"endpoints.{kind}.credential"] = (stored.endpoints.get(kind), wanted.endpoints.get(kind))
    for field, (before, after) in places.items():
        if before != after:
            yield FieldDifference(field=field, before="stored" if before else None, after="given" if after else None)
