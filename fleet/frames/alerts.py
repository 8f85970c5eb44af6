"""Alerts, what silences them, and the rules that raise them, as Alertmanager and Prometheus tell them.

All times are UTC. Names, labels and texts are a cluster's own words: untrusted.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class AlertState(StrEnum):
    """Alertmanager's states, and below them those that only Prometheus has.

    ``SUPPRESSED`` is silenced, inhibited, or both; ``UNPROCESSED`` came but was not routed yet. A resolved alert is
    not among the alerts.
    """

    ACTIVE = "active"
    SUPPRESSED = "suppressed"
    UNPROCESSED = "unprocessed"
    PENDING = "pending"
    FIRING = "firing"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


class Alert(BaseModel):
    """One alert that is there now.

    ``fingerprint`` is Alertmanager's, 16 hexadecimal digits of the labels; "" for Prometheus's own. ``ends_at`` of a
    firing alert is when it counts as resolved if nobody says so again, not its end. ``value`` is the expression's at
    its last evaluation, None from Alertmanager and where that was no finite number.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    state: AlertState
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    fingerprint: str = ""
    silenced_by: list[str] = Field(default_factory=list)
    inhibited_by: list[str] = Field(default_factory=list)
    receivers: list[str] = Field(default_factory=list)
    generator_url: str = ""
    value: float | None = None

    @property
    def severity(self) -> str:
        """Its label of that name, or ""."""
        return self.labels.get("severity", "")


class SilenceState(StrEnum):
    """``EXPIRED`` ones stay listed for some days."""

    ACTIVE = "active"
    PENDING = "pending"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class SilenceMatcher(BaseModel):
    """A condition on one label; all of a silence's have to hold. Regular expressions (RE2) match whole values."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class Silence(BaseModel):
    """A silence as its author wrote it."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: SilenceState
    matchers: list[SilenceMatcher]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    created_by: str = ""
    comment: str = ""


class AlertGroup(BaseModel):
    """Alerts that one receiver is told of together: the labels that they share and their fingerprints."""

    model_config = ConfigDict(frozen=True)

    receiver: str
    labels: dict[str, str]
    fingerprints: list[str]


class AlertFrame(BaseModel):
    """What one Alertmanager knew at a time."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    alerts: list[Alert] = Field(default_factory=list)
    silences: list[Silence] = Field(default_factory=list)
    groups: list[AlertGroup] = Field(default_factory=list)


class RuleHealth(StrEnum):
    """Whether a rule's last evaluation worked; ``UNKNOWN`` before the first one."""

    OK = "ok"
    ERR = "err"
    UNKNOWN = "unknown"


class Rule(BaseModel):
    """What alerting and recording rules share; ``last_error`` is the server's own words."""

    model_config = ConfigDict(frozen=True)

    name: str
    group: str
    file: str
    query: str
    labels: dict[str, str] = Field(default_factory=dict)
    health: RuleHealth
    last_error: str = ""
    last_evaluation: AwareDatetime | None = None
    evaluation_seconds: float = 0.0
    interval_seconds: float = 0.0


class RecordingRule(Rule):
    """A rule whose result is a series of this name."""


class AlertRule(Rule):
    """A rule that raises alerts; its annotations are templates, those of its alerts are filled in."""

    state: AlertState
    for_seconds: float = 0.0
    keep_firing_seconds: float = 0.0
    annotations: dict[str, str] = Field(default_factory=dict)
    alerts: list[Alert] = Field(default_factory=list)


class HealthSeverity(StrEnum):
    """The cluster health analyzer's severities, by its values 0, 1 and 2."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class HealthSource(BaseModel):
    """An alert that the cluster health analyzer put into a group; ``labels`` are those that it names it by."""

    model_config = ConfigDict(frozen=True)

    kind: str
    labels: dict[str, str]
    layer: str
    component: str
    severity: HealthSeverity
    silenced: bool = False


class HealthGroup(BaseModel):
    """An incident of OpenShift's cluster health analyzer; ``severity`` is the worst of its sources."""

    model_config = ConfigDict(frozen=True)

    id: str
    severity: HealthSeverity
    sources: list[HealthSource]


class RuleFrame(BaseModel):
    """What one Prometheus, or its Thanos, evaluates; ``health_groups`` is empty where no analyzer runs."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    alert_rules: list[AlertRule] = Field(default_factory=list)
    recording_rules: list[RecordingRule] = Field(default_factory=list)
    health_groups: list[HealthGroup] = Field(default_factory=list)

    @property
    def broken(self) -> list[Rule]:
        """Rules whose last evaluation failed: what they would tell is not known."""
        rules: list[Rule] = [*self.alert_rules, *self.recording_rules]
        return [rule for rule in rules if rule.health is RuleHealth.ERR]

    @property
    def telling(self) -> RuleFrame:
        """What there is to tell: rules that fire, wait or are broken. Of thousands of others their number is enough."""
        broken = {id(rule) for rule in self.broken}
        alert_rules = [each for each in self.alert_rules if each.state is not AlertState.INACTIVE or id(each) in broken]
        recording_rules = [each for each in self.recording_rules if id(each) in broken]
        return self.model_copy(update={"alert_rules": alert_rules, "recording_rules": recording_rules})
