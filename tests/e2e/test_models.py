"""The commands on learnt state, and a replay, as a user meets them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from fleet.detectors.model_version import QueryQuality, Training
from fleet.detectors.trained_state import TrainedState
from fleet.frames.frame import SeriesKey
from fleet.frames.window import Window
from fleet.inventory.cluster import Cluster
from tests.e2e.installation import Installation
from tests.storage.entities import T0

NAME = "learnt-e2e"
MIDNIGHT = T0.replace(hour=0)


@pytest.fixture(scope="module")
def cluster(installation: Installation) -> Cluster:
    """A cluster with three versions by one pack."""
    cluster = installation.stores.clusters.put(Cluster.model_validate({"name": NAME, "endpoints": {}}))
    for day in range(3):
        save(installation, cluster, day)
    return cluster


def save(installation: Installation, cluster: Cluster, day: int, pack: str = "health") -> None:
    end = MIDNIGHT + timedelta(days=day)
    training = Training(
        cluster_id=cluster.id,
        pack_name=pack,
        pack_hash=pack,
        window=Window(start=end - timedelta(days=14), end=end),
        sources=["a", "b"],
    )
    state = TrainedState([SeriesKey.of("node_cpu_util", {})], {"level": np.zeros(1)}, {})
    quality = QueryQuality(query_id="node_cpu_util", series=1, known_share=1.0, exceedances=2, exceedances_expected=0.4)
    installation.stores.models.save(training, [(state, [quality])])


def standings(installation: Installation) -> dict[int, tuple[bool, bool]]:
    listed = installation.fleetscope("model", "list", "--cluster", NAME, "--all", "--json").json
    return {each["version"]: (each["active"], each["pinned"]) for each in listed}


def test_versions_are_listed_shown_pinned_rolled_back_and_let_go(installation: Installation, cluster: Cluster) -> None:
    listed = installation.fleetscope("model", "list", "--cluster", NAME)
    assert listed.code == 0, listed.err
    for told in (NAME, "health", "2 of 14 days to 2026-11-22", "active"):
        assert told in listed.out
    assert standings(installation) == {3: (True, False), 2: (False, False), 1: (False, False)}

    shown = installation.fleetscope("model", "show", NAME)
    assert "version 3 of pack health: active" in shown.out
    assert "2 of 0.4" in shown.out
    [quality] = installation.fleetscope("model", "show", NAME, "--version", "1", "--json").json["queries"]
    assert (quality["query_id"], quality["exceedances"]) == ("node_cpu_util", 2)

    back = installation.fleetscope("model", "rollback", NAME)
    assert "version 2 of pack health is active, pinned" in back.out
    assert installation.fleetscope("model", "activate", NAME, "1", "--json").json["pinned"]
    assert standings(installation)[1] == (True, True)
    nowhere = installation.fleetscope("model", "rollback", NAME)
    assert (nowhere.code, "no version before version 1" in nowhere.err) == (2, True)
    free = installation.fleetscope("model", "activate", NAME, "--latest")
    assert "version 3 of pack health is active;" in free.out
    assert standings(installation) == {3: (True, False), 2: (False, False), 1: (False, False)}


def test_mistakes_are_explained(installation: Installation, cluster: Cluster) -> None:
    for arguments, told in (
        (("activate", NAME, "9"), "no version 9"),
        (("activate", NAME), "--latest"),
        (("activate", NAME, "1", "--latest"), "--latest"),
        (("show", "nobody"), "nobody"),
        (("show", NAME, "--pack", "shop"), "by pack shop"),
    ):
        outcome = installation.fleetscope("model", *arguments)
        assert (outcome.code, told in outcome.err) == (2, True), (arguments, outcome)
    save(installation, cluster, 0, pack="shop")
    assert "Name one by --pack" in installation.fleetscope("model", "rollback", NAME).err
    assert installation.fleetscope("model", "show", NAME, "--pack", "shop", "--json").json["version"] == 4


def test_a_replay_of_nothing_says_what_is_missing(installation: Installation, cluster: Cluster) -> None:
    told = installation.fleetscope("backtest", "--cluster", NAME, "--weeks", "1")
    assert told.code == 3
    assert "nothing is stored of it" in told.out
    result = installation.fleetscope("backtest", "--cluster", NAME, "--weeks", "1", "--budget", "2", "--json").json
    assert (result["cluster_days"], result["suggested"], result["budget"]) == (0, None, 2)
    assert [each["sensitivity"] for each in result["settings"]] == ["LOW", "MEDIUM", "HIGH", "EXTREME"]
    assert len(result["missing"][NAME]) == 1
