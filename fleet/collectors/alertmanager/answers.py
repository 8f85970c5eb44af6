"""Answers of Alertmanager as alerts and silences. Format: Alertmanager API v2, as recorded from 0.25."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from fleet.collectors.transport.decoding import decoder_of, in_utc, strictly
from fleet.frames.alerts import Alert, AlertGroup, AlertState, Silence, SilenceMatcher, SilenceState

StateT = TypeVar("StateT", bound=StrEnum)


class _Name(msgspec.Struct):
    name: str


class _AlertStatus(msgspec.Struct):
    state: str
    silenced_by: list[str] = msgspec.field(name="silencedBy", default_factory=list)
    inhibited_by: list[str] = msgspec.field(name="inhibitedBy", default_factory=list)


class _Alert(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    fingerprint: str
    status: _AlertStatus
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    receivers: list[_Name] = msgspec.field(default_factory=list)
    generator_url: str = msgspec.field(name="generatorURL", default="")


class _Matcher(msgspec.Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class _State(msgspec.Struct):
    state: str


class _Silence(msgspec.Struct, rename="camel"):
    id: str
    status: _State
    matchers: list[_Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str = ""
    comment: str = ""


class _Fingerprinted(msgspec.Struct):
    fingerprint: str


class _Group(msgspec.Struct):
    labels: dict[str, str]
    receiver: _Name
    alerts: list[_Fingerprinted]


_alerts_decoder = decoder_of(list[_Alert])
_silences_decoder = decoder_of(list[_Silence])
_groups_decoder = decoder_of(list[_Group])


def decode_alerts(body: bytearray, url: str) -> list[Alert]:
    """The answer of alerts, ordered by name and fingerprint."""
    alerts = [_alert(each) for each in strictly(_alerts_decoder, body, url)]
    return sorted(alerts, key=lambda alert: (alert.name, alert.fingerprint))


def decode_silences(body: bytearray, url: str) -> list[Silence]:
    """The answer of silences, ordered by their begin."""
    silences = [_silence(each) for each in strictly(_silences_decoder, body, url)]
    return sorted(silences, key=lambda silence: (silence.starts_at, silence.id))


def decode_groups(body: bytearray, url: str) -> list[AlertGroup]:
    """The answer of alerts/groups."""
    return [
        AlertGroup(
            receiver=each.receiver.name, labels=each.labels, fingerprints=[one.fingerprint for one in each.alerts]
        )
        for each in strictly(_groups_decoder, body, url)
    ]


def _alert(each: _Alert) -> Alert:
    return Alert(
        name=each.labels.get("alertname", ""),
        labels=each.labels,
        annotations=each.annotations,
        state=_known(AlertState, each.status.state, AlertState.UNKNOWN),
        starts_at=in_utc(each.starts_at),
        ends_at=in_utc(each.ends_at),
        updated_at=in_utc(each.updated_at),
        fingerprint=each.fingerprint,
        silenced_by=each.status.silenced_by,
        inhibited_by=each.status.inhibited_by,
        receivers=[receiver.name for receiver in each.receivers],
        generator_url=each.generator_url,
    )


def _silence(each: _Silence) -> Silence:
    return Silence(
        id=each.id,
        state=_known(SilenceState, each.status.state, SilenceState.UNKNOWN),
        matchers=[
            SilenceMatcher(name=one.name, value=one.value, is_regex=one.is_regex, is_equal=one.is_equal)
            for one in each.matchers
        ],
        starts_at=in_utc(each.starts_at),
        ends_at=in_utc(each.ends_at),
        created_by=each.created_by,
        comment=each.comment,
    )


def _known(kind: type[StateT], text: str, otherwise: StateT) -> StateT:
    """A state by its word; a word that a later version invented is not guessed at."""
    return kind(text) if text in set(kind) else otherwise
