"""``cluster-role.yaml``, the ClusterRole with every right that collectors need: written from their table.

``python -m deployments.cluster_role > deployments/cluster-role.yaml``; a test compares the two.
"""

from __future__ import annotations

import sys

from fleet.collectors.kubernetes.rights import RIGHTS, cluster_role

HEAD = """\
# Written from fleet/collectors/kubernetes/rights.py by:
#   python -m deployments.cluster_role > deployments/cluster-role.yaml
# All that fleetscope ever asks of a cluster's API, and what for. Bind it to fleetscope's user of that cluster: see
# docs/rights.md. Rules of API groups that a cluster does not have grant nothing there and do no harm.
"""


def render() -> str:
    """The whole file."""
    return HEAD + cluster_role(needed.right for needed in RIGHTS)


if __name__ == "__main__":
    sys.stdout.write(render())
