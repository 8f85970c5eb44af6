"""PTP: profiles, the nodes that they are matched to, clock devices, and what a profile makes of a node.

Forms: PtpConfig, NodePtpDevice and PtpOperatorConfig of https://github.com/k8snetworkplumbingwg/ptp-operator;
options as in ptp4l(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from fleet.collectors.kubernetes.objects import Metadata, Object
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.collectors.transport.decoding import decoder_of
from fleet.inventory.network_hardware import ClockRole, PtpDevice, PtpProfile

_SECTION = re.compile(r"^\s*\[([^\]\n]{1,60})\]\s*$", re.MULTILINE)
_NO_INTERFACE = frozenset({"global", "nmea", "unicast_master_table"})
_SERVES = re.compile(r"^\s*(?:masterOnly|serverOnly)\s+1\s*$", re.MULTILINE)
_FOLLOWS = re.compile(r"^\s*(?:slaveOnly|clientOnly)\s+1\s*$", re.MULTILINE)
_FROM_SATELLITES = re.compile(r"nmea|gnss", re.IGNORECASE)


class _Profile(Object):
    name: str | None = None
    interface: str | None = None
    ptp4l_opts: str | None = msgspec.field(default=None, name="ptp4lOpts")
    ptp4l_conf: str | None = msgspec.field(default=None, name="ptp4lConf")
    ts2phc_conf: str | None = msgspec.field(default=None, name="ts2phcConf")
    ptp_settings: dict[str, str] | None = None


class _Spec(Object):
    profile: list[msgspec.Raw] | None = None


class _Match(Object):
    node_name: str | None = None
    profile: str | None = None


class _Status(Object):
    match_list: list[_Match] | None = None


class PtpConfigObject(Object):
    """ptp.openshift.io/v1 PtpConfig."""

    metadata: Metadata
    spec: _Spec | None = None
    status: _Status | None = None


_PROFILE = decoder_of(_Profile)


def read_config(seen: PtpConfigObject) -> list[PtpProfile]:
    """The profiles of a PtpConfig.

    Raises:
        msgspec.DecodeError: a profile is none.
    """
    matches = (seen.status.match_list if seen.status else None) or []
    profiles: list[PtpProfile] = []
    for raw in (seen.spec.profile if seen.spec else None) or []:
        profile = _PROFILE.decode(raw)
        name = profile.name or ""
        profiles.append(
            PtpProfile(
                config=clean(seen.metadata.name, NAME_CHARACTERS),
                name=clean(name, 120),
                role=_role(profile),
                interfaces=_interfaces(profile),
                nodes=sorted({clean(each.node_name, NAME_CHARACTERS) for each in matches if each.profile == name}),
                digest=sha256(msgspec.json.encode(msgspec.json.decode(raw), order="sorted")).hexdigest()[:16],
            )
        )
    return profiles


def _role(profile: _Profile) -> ClockRole:
    """What the options make of the node; the most specific first, since a grandmaster also serves on its ports."""
    conf = profile.ptp4l_conf or ""
    if (profile.ptp_settings or {}).get("haProfiles"):
        return ClockRole.DUAL
    if _FROM_SATELLITES.search(profile.ts2phc_conf or ""):
        return ClockRole.GRANDMASTER
    if _SERVES.search(conf) and len(_interfaces(profile)) > 1:
        return ClockRole.BOUNDARY
    if "-s" in (profile.ptp4l_opts or "").split() or _FOLLOWS.search(conf):
        return ClockRole.ORDINARY
    return ClockRole.UNKNOWN


def _interfaces(profile: _Profile) -> list[str]:
    sections = [*_SECTION.findall(profile.ptp4l_conf or ""), *_SECTION.findall(profile.ts2phc_conf or "")]
    named = [profile.interface or "", *(each for each in sections if each not in _NO_INTERFACE)]
    return list(dict.fromkeys(clean(each, 60) for each in named if each))


class _Hardware(Object):
    firmware_version: str | None = None
    driver_version: str | None = None
    link_status: bool | str | None = None


class _Device(Object):
    name: str | None = None
    hardware_info: _Hardware | None = None


class _DevicesStatus(Object):
    devices: list[_Device] | None = None


class NodePtpDeviceObject(Object):
    """ptp.openshift.io/v1 NodePtpDevice; older releases tell only the devices' names."""

    metadata: Metadata
    status: _DevicesStatus | None = None


def read_devices(seen: NodePtpDeviceObject) -> list[PtpDevice]:
    """A node's clock devices; the object has the node's name."""
    devices = (seen.status.devices if seen.status else None) or []
    node = clean(seen.metadata.name, NAME_CHARACTERS)
    return [_device(node, each) for each in devices]


def _device(node: str, seen: _Device) -> PtpDevice:
    hardware = seen.hardware_info or _Hardware()
    link = hardware.link_status
    return PtpDevice(
        node=node,
        name=clean(seen.name, 60),
        firmware=clean(hardware.firmware_version, 80),
        driver_version=clean(hardware.driver_version, 80),
        link=link.lower() in {"true", "up"} if isinstance(link, str) else link,
    )


class _EventConfig(Object):
    enable_event_publisher: bool | None = None


class _OperatorSpec(Object):
    ptp_event_config: _EventConfig | None = None


class PtpOperatorConfigObject(Object):
    """ptp.openshift.io/v1 PtpOperatorConfig."""

    metadata: Metadata
    spec: _OperatorSpec | None = None


def events_published(configs: Iterable[PtpOperatorConfigObject]) -> bool | None:
    """Whether events are published; None where there is no configuration."""
    told = [each.spec.ptp_event_config if each.spec else None for each in configs]
    return any(config is not None and config.enable_event_publisher for config in told) if told else None
