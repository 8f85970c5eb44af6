"""The part that is measured: a fleet is registered on a fresh embedded stack and scanned, and then hour by hour."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.discovery.watched import Watched
from benchmarks.fleet.services import Services
from interfaces.cli.registration import read_registrations

SERVERS = ("prefect", "postgres", "s3", "openbao")
HOUR = timedelta(hours=1)


def scanned(registration: Path, anchor: datetime, hours: int, simulator: int) -> dict[str, Any]:
    """Figures of the scans.

    Args:
        registration: of the fleet.
        anchor: the full hour (UTC) at which the last scan's window ends.
        hours: length of the first scan's window.
        simulator: the simulator's process id.
    """
    from interfaces.cli.workspace import open_engine

    with open_engine() as stores:
        from benchmarks.fleet.empty_tasks import cost
        from flows.shards import SHARDS_AT_ONCE

        servers = _servers()
        began = time.perf_counter()
        for each in read_registrations(registration):
            stores.registry.register(each)
        figures: dict[str, Any] = {"registering_seconds": time.perf_counter() - began}
        figures["shards_at_once"] = SHARDS_AT_ONCE
        figures["rounds"] = {
            name: _scan(stores, {**servers, "simulator": simulator}, until, last)
            for name, (until, last) in rounds(anchor, hours).items()
        }
        figures |= cost({name: servers[name] for name in ("prefect", "postgres")})
    return figures


def rounds(anchor: datetime, hours: int) -> dict[str, tuple[datetime, int]]:
    """When the scans' windows end, and how many hours they are long, by name.

    Behind a window of 24 hours one of an hour learns anew, of one day more; the one behind it need not.
    """
    if hours == 1:
        return {"first": (anchor - HOUR, 1), "next hour": (anchor, 1)}
    return {"first": (anchor - 2 * HOUR, hours), "next hour": (anchor - HOUR, 1), "hour after": (anchor, 1)}


def _scan(stores: Any, servers: dict[str, int], until: datetime, hours: int) -> dict[str, Any]:
    """One scan, its result as the command line lists it, its report, and where its time went."""
    from benchmarks.fleet.stages import split
    from flows.scan import scan_fleet
    from flows.shards import SHARDS_AT_ONCE
    from interfaces.cli.result import result_of
    from interfaces.cli.runs import run_flow

    with Services(servers) as services, Watched() as watched:
        run = run_flow(scan_fleet, until=until, last_hours=hours)
    began = time.perf_counter()
    result = result_of(stores, run.id)
    listing = time.perf_counter() - began
    [report] = stores.reports.list(scan_id=run.id)
    return {
        **watched.figures,
        **services.figures,
        "state": run.state,
        "message": run.message,
        "listing_seconds": listing,
        "incidents": len(result.incidents),
        "findings": result.findings,
        "series": stores.scans.get(run.id).counts.get("series", 0),
        "report_kib": {form.value: stored.object_bytes / 2**10 for form, stored in report.formats.items()},
        **split(run.id, SHARDS_AT_ONCE),
    }


def _servers() -> dict[str, int]:
    """Process ids of the embedded servers, by name."""
    from deployments.embedded.status import stack_status
    from deployments.settings import load_settings

    parts = {part["name"]: part["pid"] for part in stack_status(load_settings()).parts}
    return {name: parts[name] for name in SERVERS if parts.get(name)}


if __name__ == "__main__":
    path, at, window_hours, pid = sys.argv[1:]
    measured = scanned(Path(path), datetime.fromisoformat(at), int(window_hours), int(pid))
    print(json.dumps(measured))
