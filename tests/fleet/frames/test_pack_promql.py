"""What the default pack's less obvious PromQL answers, by Prometheus itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fleet.frames.pack_file import default_pack

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed"
)

NGINX = 'controller_class="n",ingress="cart"'
SLI = 'apiserver_request_sli_duration_seconds_{}{{verb="GET",subresource="",scope="{}"{}}}'

WAITING = "kube_pod_container_status_waiting_reason"


def series(name: str, values: str = "1+0x120") -> dict[str, str]:
    return {"series": name, "values": values}


CASES = [
    # A label of its own, or one that another label hides, is the same to us.
    (
        "route_requests",
        1,
        [
            series(f'nginx_ingress_controller_requests{{{NGINX},status="200",namespace="shop"}}', "0+60x120"),
            series(
                f'nginx_ingress_controller_requests{{{NGINX},status="200",namespace="ingress",exported_namespace="ran"}}',
                "0+30x120",
            ),
        ],
        {'{exported_namespace="shop",route="cart"}': 1.0, '{exported_namespace="ran",route="cart"}': 0.5},
    ),
    (
        "ingress_5xx_ratio",
        1,
        [
            series(f'nginx_ingress_controller_requests{{{NGINX},status="200",namespace="shop"}}', "0+90x120"),
            series(f'nginx_ingress_controller_requests{{{NGINX},status="502",namespace="shop"}}', "0+10x120"),
        ],
        {'{exported_namespace="shop",route="cart"}': 0.1},
    ),
    # Without any error so far the series is there, and at zero.
    (
        "route_error_burn_1h",
        1,
        [series(f'nginx_ingress_controller_requests{{{NGINX},status="200",namespace="shop"}}', "0+90x120")],
        {'{exported_namespace="shop",route="cart"}': 0.0},
    ),
    (
        "apiserver_slow_burn_5m",
        0,
        [
            series(SLI.format("bucket", "resource", ',le="1.0"'), "0+98x120"),
            series(SLI.format("bucket", "resource", ',le="5.0"'), "0+100x120"),
            series(SLI.format("count", "resource", ""), "0+100x120"),
            series(SLI.format("bucket", "namespace", ',le="5"'), "0+96x120"),
            series(SLI.format("count", "namespace", ""), "0+100x120"),
            series(SLI.format("count", "cluster", ""), "0+100x120"),
        ],
        {'{component="apiserver"}': 3.0},
    ),
    (
        "stored_objects",
        0,
        [
            series('apiserver_resource_objects{group="",resource="pods"}', "7+0x120"),
            series('apiserver_resource_objects{group="apps",resource="deployments"}', "9+0x120"),
        ],
        {
            '{component="apiserver",resource="pods"}': 7.0,
            '{component="apiserver",resource="deployments.apps"}': 9.0,
        },
    ),
    # One whose least is its largest number is no trouble; names of old kube-state-metrics become those of new ones.
    (
        "hpa_at_max",
        1,
        [
            series(f'kube_hpa_{name}{{namespace="shop",hpa="{hpa}"}}', f"{value}+0x120")
            for hpa, values in {"cart": (4, 4, 2), "pay": (3, 3, 3), "idle": (1, 4, 1)}.items()
            for name, value in zip(
                ("status_current_replicas", "spec_max_replicas", "spec_min_replicas"), values, strict=True
            )
        ],
        {
            '{horizontalpodautoscaler="cart",namespace="shop"}': 1.0,
            '{horizontalpodautoscaler="pay",namespace="shop"}': 0.0,
            '{horizontalpodautoscaler="idle",namespace="shop"}': 0.0,
        },
    ),
    # A webhook that nobody calls is not slow; a certificate without a time of renewal is not overdue.
    (
        "webhook_slow_ratio",
        0,
        [
            series('apiserver_admission_webhook_admission_duration_seconds_bucket{name="w",le="1"}'),
            series('apiserver_admission_webhook_admission_duration_seconds_count{name="w"}'),
        ],
        {'{name="w"}': 0.0},
    ),
    (
        "certificate_overdue",
        0,
        [
            series('certmanager_certificate_renewal_timestamp_seconds{name="a",namespace="shop"}', "0+0x120"),
            series('certmanager_certificate_renewal_timestamp_seconds{name="b",namespace="shop"}', "3600+0x120"),
        ],
        {'{exported_namespace="shop",name="a"}': 0.0, '{exported_namespace="shop",name="b"}': 2400.0},
    ),
    # The exporter's label changed its case.
    (
        "gpu_xid",
        0,
        [
            series('DCGM_FI_DEV_XID_ERRORS{gpu="0",UUID="u",Hostname="n1"}', "79+0x120"),
            series('DCGM_FI_DEV_XID_ERRORS{gpu="0",UUID="v",hostname="n2"}', "0+0x120"),
        ],
        {'{Hostname="n1",UUID="u",gpu="0"}': 1.0, '{Hostname="n2",UUID="v",gpu="0"}': 0.0},
    ),
    (
        "sriov_used_ratio",
        0,
        [
            series('kube_pod_container_resource_requests{node="a",resource="openshift_io_mid",pod="p"}', "2+0x120"),
            series('kube_node_status_allocatable{node="a",resource="openshift_io_mid"}', "8+0x120"),
            series('kube_node_status_allocatable{node="b",resource="openshift_io_mid"}', "8+0x120"),
            series('kube_node_status_allocatable{node="c",resource="openshift_io_mid"}', "0+0x120"),
        ],
        {'{node="a",resource="openshift_io_mid"}': 0.25, '{node="b",resource="openshift_io_mid"}': 0.0},
    ),
    # A route that never answered anything else.
    *(
        (
            query_id,
            1,
            [series(f'nginx_ingress_controller_requests{{{NGINX},status="503",namespace="shop"}}', "0+90x120")],
            {'{exported_namespace="shop",route="cart"}': expected},
        )
        for query_id, expected in (("ingress_5xx_ratio", 1.0), ("route_error_burn_1h", 100.0))
    ),
    # kube-state-metrics before 2.0 shows every reason of every container, with zeros.
    (
        "waiting_containers",
        0,
        [
            series('kube_pod_info{namespace="shop",pod="p"}'),
            *(
                series(f'{WAITING}{{namespace="shop",pod="p",container="c",reason="{reason}"}}', f"{value}+0x120")
                for reason, value in (("CrashLoopBackOff", 0), ("ImagePullBackOff", 0), ("ErrImagePull", 1))
            ),
        ],
        {
            '{namespace="shop",reason="CrashLoopBackOff"}': 0.0,
            '{namespace="shop",reason="ImagePullBackOff"}': 1.0,
            '{namespace="shop",reason="CreateContainerConfigError"}': 0.0,
        },
    ),
    # A level that never refused anything is not counted by the API server.
    (
        "apf_rejected",
        0,
        [
            series('apiserver_flowcontrol_dispatched_requests_total{priority_level="system"}', "0+60x120"),
            series('apiserver_flowcontrol_dispatched_requests_total{priority_level="catch-all"}', "0+60x120"),
            series('apiserver_flowcontrol_rejected_requests_total{priority_level="catch-all",reason="r"}', "0+30x120"),
        ],
        {'{priority_level="system"}': 0.0, '{priority_level="catch-all"}': 0.5},
    ),
    # File systems without inodes have no share of them; pods' volumes are their claims'.
    (
        "fs_inodes_used_ratio",
        0,
        [
            series(f'node_filesystem_{name}{{instance="n",device="{device}",fstype="{kind}",mountpoint="{at}"}}', value)
            for device, kind, at, values in (
                ("a", "xfs", "/", ("10+0x120", "40+0x120")),
                ("b", "vfat", "/boot/efi", ("0+0x120", "0+0x120")),
                ("c", "ext4", "/var/lib/kubelet/pods/x/mount", ("1+0x120", "40+0x120")),
            )
            for name, value in zip(("files_free", "files"), values, strict=True)
        ],
        {'{device="a",instance="n"}': 0.75},
    ),
    (
        "node_fs_readonly",
        0,
        [
            series('node_filesystem_readonly{instance="n",device="a",fstype="xfs",mountpoint="/"}', "0+0x120"),
            series('node_filesystem_readonly{instance="n",device="c",fstype="ext4",mountpoint="/var/lib/kubelet/p"}'),
        ],
        {'{device="a",instance="n"}': 0.0},
    ),
]


def test_prometheus_answers_them_as_they_are_meant(tmp_path: Path) -> None:
    tests = [
        {
            "interval": "1m",
            "input_series": given,
            "promql_expr_test": [
                {
                    "expr": f"round({default_pack().query(query_id).variants[form].promql}, 0.0001)",
                    "eval_time": "100m",
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
                }
            ],
        }
        for query_id, form, given, expected in CASES
    ]
    file = tmp_path / "tests.yaml"
    file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": tests}))
    checked = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
