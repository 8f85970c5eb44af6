"""Network hardware of nodes: interfaces with virtual functions (SR-IOV), and clocks (PTP)."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field


class SriovInterface(BaseModel):
    """A network card's physical function.

    ``vfs`` are configured and ``max_vfs`` possible (0: the card has none); ``vf_drivers`` counts the virtual
    functions by driver, ``vfio-pci`` being the one that DPDK takes. ``link_speed_mbps`` is None while the link is down.
    """

    name: str
    pci_address: str = ""
    driver: str = ""
    vendor: str = ""
    device: str = ""
    vfs: int = 0
    max_vfs: int = 0
    vf_drivers: dict[str, int] = Field(default_factory=dict)
    resources: list[str] = Field(default_factory=list)
    mtu: int | None = None
    link_speed_mbps: int | None = None


class SriovNode(BaseModel):
    """A SriovNetworkNodeState: ``sync_status`` is ``Succeeded``, ``InProgress`` or ``Failed``."""

    node: str
    sync_status: str = ""
    sync_error: str = ""
    interfaces: list[SriovInterface] = Field(default_factory=list)

    @property
    def vfs(self) -> int:
        """Virtual functions that are configured."""
        return sum(interface.vfs for interface in self.interfaces)


class ClockRole(StrEnum):
    """What a PTP profile makes of a node, as far as its options show it."""

    ORDINARY = "ordinary clock"
    BOUNDARY = "boundary clock"
    GRANDMASTER = "grandmaster"
    DUAL = "dual phc2sys with failover"
    UNKNOWN = "unknown"


class PtpProfile(BaseModel):
    """A profile of a PtpConfig and the nodes that it is matched to. ``digest`` tells two settings of it apart."""

    config: str
    name: str
    role: ClockRole = ClockRole.UNKNOWN
    interfaces: list[str] = Field(default_factory=list)
    nodes: list[str] = Field(default_factory=list)
    digest: str = ""


class PtpDevice(BaseModel):
    """A clock device of a node, with what its hardware tells of itself (newer operators only)."""

    node: str
    name: str
    firmware: str = ""
    driver_version: str = ""
    link: bool | None = None
