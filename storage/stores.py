"""All stores of one installation, opened from the three servers that hold them."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.frames.alerts import AlertFrame, RuleFrame
from fleet.frames.log_frame import LogFrame
from fleet.frames.trace_frame import SpanFrame
from storage.clusters import ClusterStore
from storage.coverage import CoverageStore
from storage.credentials.store import CredentialStore
from storage.database import Database
from storage.findings import FindingStore
from storage.frames import FrameStore
from storage.governor import EndpointGovernor
from storage.incidents import IncidentStore
from storage.inventories import ChangeStore, InventoryStore
from storage.investigations import InvestigationStore
from storage.levels import LevelStore
from storage.models import ModelStore
from storage.objects import ObjectStore
from storage.outbox import OutboxStore
from storage.registry import Registry
from storage.report_objects import ReportObjectStore
from storage.reports import ReportStore
from storage.retention.retention import Retention
from storage.scans import ScanStore
from storage.signals import ALERTS, LOGS, RULES, TRACES, SignalStore


@dataclass(frozen=True)
class Stores:
    """Every store, sharing one pool of connections; safe to share between threads."""

    database: Database
    objects: ObjectStore
    credentials: CredentialStore
    clusters: ClusterStore
    inventories: InventoryStore
    changes: ChangeStore
    scans: ScanStore
    coverage: CoverageStore
    frames: FrameStore
    alerts: SignalStore[AlertFrame]
    rules: SignalStore[RuleFrame]
    logs: SignalStore[LogFrame]
    traces: SignalStore[SpanFrame]
    models: ModelStore
    levels: LevelStore
    findings: FindingStore
    incidents: IncidentStore
    investigations: InvestigationStore
    reports: ReportStore
    report_objects: ReportObjectStore
    outbox: OutboxStore
    governor: EndpointGovernor

    @classmethod
    def over(cls, database: Database, objects: ObjectStore, credentials: CredentialStore) -> Stores:
        """The stores over a database, an object store and a credential store."""
        coverage = CoverageStore(database)
        return cls(
            database=database,
            objects=objects,
            credentials=credentials,
            clusters=ClusterStore(database),
            inventories=InventoryStore(database),
            changes=ChangeStore(database),
            scans=ScanStore(database),
            coverage=coverage,
            frames=FrameStore(objects, coverage),
            alerts=SignalStore(ALERTS, objects, coverage),
            rules=SignalStore(RULES, objects, coverage),
            logs=SignalStore(LOGS, objects, coverage),
            traces=SignalStore(TRACES, objects, coverage),
            models=ModelStore(database, objects),
            levels=LevelStore(database),
            findings=FindingStore(database),
            incidents=IncidentStore(database),
            investigations=InvestigationStore(database),
            reports=ReportStore(database),
            report_objects=ReportObjectStore(objects),
            outbox=OutboxStore(database),
            governor=EndpointGovernor(database),
        )

    @property
    def retention(self) -> Retention:
        """What expires, over both stores."""
        return Retention(self.database, self.objects)

    @property
    def registry(self) -> Registry:
        """Clusters together with their secrets."""
        return Registry(self.clusters, self.credentials)

    def close(self) -> None:
        """Close the pooled connections; the next use opens new ones."""
        self.database.close()
