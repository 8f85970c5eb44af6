"""What was learnt of clusters' pasts: versions in the database, their state in the object store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from typing import Any

from sqlmodel import Session, col, select

from fleet.detectors.model_version import ModelPart, ModelVersion, QueryQuality, Training, version_for
from fleet.detectors.state_parquet import encode_state
from fleet.detectors.trained_state import TrainedState
from fleet.errors import NotFound, UsageError
from fleet.frames.window import Window
from storage.database import Database, lock_cluster
from storage.documents import from_document, to_document
from storage.objects import ObjectStore, content_key
from storage.statements import upsert
from storage.stored_model import StoredModel
from storage.tables import ModelRow, ModelUseRow

CONTENT_TYPE = "application/vnd.apache.parquet"
Learnt = Iterable[tuple[TrainedState, Sequence[QueryQuality]]]
"""State of some whole queries at a time, with how well each was learnt."""


class ModelStore:
    """Versions by cluster and number; of each cluster and pack at most one is active.

    Every method raises StoreUnavailable or StoreError when the database or the object store does.
    """

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    def save(self, training: Training, learnt: Learnt) -> ModelVersion | None:
        """Store what was learnt, part by part as it comes: first the objects, then the row that makes them visible.

        Killed in between, nothing half-learnt is seen. Where somebody else learnt the same meanwhile, theirs counts.
        The new version becomes the active one, unless that is pinned, or tells of a later time.

        Returns:
            The version, or None where nothing could be learnt of any series.
        """
        parts: list[ModelPart] = []
        quality: list[QueryQuality] = []
        for state, figures in learnt:
            if state.keys:
                parts.append(self._put(training, state))
                quality += figures
        if not parts:
            return None
        with self._locked(training.cluster_id) as session:
            known = _versions(session, training.cluster_id)
            own = [each for each in known if each.pack_hash == training.pack_hash]
            same = [each for each in own if each.readable and _training(each) == training]
            if same:
                return max(same, key=lambda each: each.version)
            version = ModelVersion(
                **training.model_dump(),
                version=1 + max((each.version for each in known), default=0),
                package_version=version_of("fleetscope"),
                parts=parts,
                queries=quality,
                created_at=datetime.now(UTC),
            )
            active = next((each for each in own if each.active and each.readable), None)
            if active is None or not (active.pinned or active.window.end > version.window.end):
                version = version.model_copy(update={"active": True})
                _deactivate(session, own)
            _write(session, version)
            return version

    def choose(self, cluster_id: str, pack_hash: str, window: Window, sources: Collection[str]) -> ModelVersion | None:
        """The version by which a window is judged, as ``version_for`` says it; None where one has to be learnt."""
        return version_for(self.list([cluster_id], pack_hash=pack_hash), window, sources)

    def fetch(self, version: ModelVersion) -> StoredModel:
        """What a version holds, fetched and proven whole.

        Raises:
            CorruptObject: an object is gone, is not what was stored, or is of a form that this release does not read.
                Before it is raised, the version is noted as damaged: it is not used again.
        """
        return StoredModel(self._objects, version, lambda: self._strike_out(version))

    def get(self, cluster_id: str, version: int) -> ModelVersion:
        """A version with the quality of its queries.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            return _read(session, cluster_id, version)

    def list(
        self,
        cluster_ids: Collection[str] | None = None,
        *,
        pack_hash: str | None = None,
        active: bool | None = None,
    ) -> list[ModelVersion]:
        """Versions without the quality of their queries, by cluster, the newest first; None holds for all."""
        query = select(ModelRow.body.op("-")("queries")).order_by(  # type: ignore[attr-defined]
            ModelRow.cluster_id, col(ModelRow.version).desc()
        )
        if cluster_ids is not None:
            query = query.where(col(ModelRow.cluster_id).in_(cluster_ids))
        if pack_hash is not None:
            query = query.where(ModelRow.pack_hash == pack_hash)
        if active is not None:
            query = query.where(ModelRow.active == active)
        with self._database.session() as session:
            return [from_document(ModelVersion, body) for body in session.exec(query)]

    def pin(self, cluster_id: str, version: int) -> ModelVersion:
        """Make a version the active one and keep it so.

        Raises:
            NotFound: there is none.
            UsageError: it cannot be read.
        """
        with self._locked(cluster_id) as session:
            chosen = _read(session, cluster_id, version)
            if not chosen.readable:
                why = "its state is damaged" if chosen.damaged else "another release of fleetscope learnt it"
                raise UsageError(
                    f"Version {version} cannot be used: {why}.", hint="`fleetscope model list --all` shows the others."
                )
            return _activate(session, chosen, pinned=True)

    def release(self, cluster_id: str, pack_hash: str) -> ModelVersion | None:
        """Let the newest version be the active one again, and later ones after it; None where none can be read."""
        with self._locked(cluster_id) as session:
            newest = _newest(_versions(session, cluster_id, pack_hash))
            return _activate(session, newest, pinned=False) if newest else None

    def roll_back(self, cluster_id: str, pack_hash: str) -> ModelVersion:
        """Pin the version before the active one.

        Raises:
            UsageError: there is none that can be read.
        """
        with self._locked(cluster_id) as session:
            known = _versions(session, cluster_id, pack_hash)
            active = next((each for each in known if each.active), None)
            before = [each for each in known if each.readable and active and each.version < active.version]
            if not before:
                told = f"before version {active.version}" if active else "that is active"
                raise UsageError(f"There is no version {told} to go back to.")
            return _activate(session, max(before, key=lambda each: each.version), pinned=True)

    def note_use(self, scan_id: str, version: ModelVersion) -> None:
        """Note by which version a scan judged a cluster; the last one told counts."""
        row = {"scan_id": scan_id, "cluster_id": version.cluster_id, "version": version.version}
        with self._database.session() as session:
            session.connection().execute(upsert(ModelUseRow), row)

    def used(self, scan_id: str) -> dict[str, int]:
        """Numbers of the versions by which a scan judged its clusters, by cluster id."""
        query = select(ModelUseRow.cluster_id, ModelUseRow.version).where(ModelUseRow.scan_id == scan_id)
        with self._database.session() as session:
            return dict(session.exec(query).all())

    def _put(self, training: Training, state: TrainedState) -> ModelPart:
        data = encode_state(state)
        stem = f"models/{training.cluster_id}/{training.pack_hash}/{training.window.end:%Y%m%dT%H%M%SZ}"
        key = content_key(stem, data, "parquet")
        digest = self._objects.put(key, data, CONTENT_TYPE)
        return ModelPart(
            queries=list(dict.fromkeys(each.query_id for each in state.keys)),
            series=len(state.keys),
            object_key=key,
            object_hash=digest,
            object_bytes=len(data),
        )

    def _strike_out(self, version: ModelVersion) -> None:
        with self._locked(version.cluster_id) as session:
            lost = _read(session, version.cluster_id, version.version)
            _write(session, lost.model_copy(update={"damaged": True, "active": False, "pinned": False}))
            rest = _versions(session, version.cluster_id, version.pack_hash)
            newest = _newest(rest)
            if newest and not any(each.active for each in rest):
                _activate(session, newest, pinned=False)

    @contextmanager
    def _locked(self, cluster_id: str) -> Iterator[Session]:
        with self._database.session() as session:
            lock_cluster(session, "models", cluster_id)
            yield session


def _training(version: ModelVersion) -> Training:
    return Training(**{name: getattr(version, name) for name in Training.model_fields})


def _newest(versions: Sequence[ModelVersion]) -> ModelVersion | None:
    """What tells of the latest time, of those that can be read."""
    readable = [each for each in versions if each.readable]
    return max(readable, key=lambda each: (each.window.end, each.version), default=None)


def _activate(session: Session, version: ModelVersion, *, pinned: bool) -> ModelVersion:
    _deactivate(session, _versions(session, version.cluster_id, version.pack_hash))
    active = version.model_copy(update={"active": True, "pinned": pinned})
    _write(session, active)
    return active


def _deactivate(session: Session, versions: Sequence[ModelVersion]) -> None:
    """Before another is activated: the database lets no two be active at any time."""
    for each in versions:
        if each.active:
            _write(session, each.model_copy(update={"active": False, "pinned": False}))


def _versions(session: Session, cluster_id: str, pack_hash: str | None = None) -> list[ModelVersion]:
    query = select(ModelRow).where(ModelRow.cluster_id == cluster_id)
    if pack_hash is not None:
        query = query.where(ModelRow.pack_hash == pack_hash)
    return [from_document(ModelVersion, row.body) for row in session.exec(query)]


def _read(session: Session, cluster_id: str, version: int) -> ModelVersion:
    row = session.get(ModelRow, (cluster_id, version))
    if row is None:
        raise NotFound(
            f"There is no version {version} of that cluster's learnt state.",
            hint="`fleetscope model list --all` shows those that there are.",
        )
    return from_document(ModelVersion, row.body)


def _write(session: Session, version: ModelVersion) -> None:
    columns: dict[str, Any] = {
        "cluster_id": version.cluster_id,
        "version": version.version,
        "pack_hash": version.pack_hash,
        "active": version.active,
        "created_at": version.created_at,
        "body": to_document(version),
    }
    session.connection().execute(upsert(ModelRow), columns)
