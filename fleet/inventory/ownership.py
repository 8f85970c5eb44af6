"""Who owns a pod, read from its name alone: for pods that are gone, and for sources that know no owner.

Forms of names (Kubernetes' own controllers):

- Deployment: ``<deployment>-<pod-template-hash>-<5 random>``; the hash is an FNV-32 number in the alphabet
  ``bcdfghjklmnpqrstvwxz2456789`` (no vowels, and no 0, 1 and 3), 8 to 10 of them in practice.
- CronJob: ``<cronjob>-<minutes since 1970>-<5 random>``; Job and DaemonSet: ``<name>-<5 random>``.
- StatefulSet: ``<name>-<ordinal>``. A Job with indexes: ``<job>-<index>-<5 random>``.
- A claim of an ephemeral volume: ``<pod>-<volume>``.
"""

from __future__ import annotations

import re
from collections.abc import Container

_GENERATED = "bcdfghjklmnpqrstvwxz2456789"
# Some distributions' controllers draw from other letters too: a digit then tells a hash from a word ("exporter").
_HASH = rf"(?:[{_GENERATED}]{{8,10}}|(?=[a-z]*\d)[a-z0-9]{{8,10}})"
_RANDOM = rf"(?:[{_GENERATED}]{{5}}|(?=[a-z]*\d)[a-z0-9]{{5}})"

# Beside a workload that is known to exist, shorter hashes are believed too.
_SHORT_HASH = rf"(?:[{_GENERATED}]{{5,10}}|(?=[a-z]*\d)[a-z0-9]{{5,10}})"

_REPLICA_SET = re.compile(rf"^(?P<workload>.+)-{_HASH}$")
_REPLICA_SET_POD = re.compile(rf"^(?P<workload>.+)-{_HASH}-[a-z0-9]{{5}}$")
_CRON_JOB = re.compile(r"^(?P<workload>.+)-\d{8,10}$")
_CRON_JOB_POD = re.compile(r"^(?P<workload>.+)-\d{8,10}-[a-z0-9]{5}$")
_ORDINAL_POD = re.compile(r"^(?P<workload>.+)-\d{1,5}$")
_SUFFIX_POD = re.compile(rf"^(?P<workload>.+)-{_RANDOM}$")
_KNOWN_FORMS = (
    re.compile(r"^(?P<workload>.+)-[a-z0-9]{1,10}$"),
    re.compile(rf"^(?P<workload>.+)-{_SHORT_HASH}-[a-z0-9]{{5}}$"),
    re.compile(r"^(?P<workload>.+)-\d{1,5}-[a-z0-9]{5}$"),
)
_CLAIM_OF_POD = re.compile(rf"^(?P<workload>.+)-[{_GENERATED}]{{8,10}}-[{_GENERATED}]{{5}}-(?P<volume>.+)$")
_POD_FORMS = (_CRON_JOB_POD, _REPLICA_SET_POD, _ORDINAL_POD, _SUFFIX_POD)


def workload_of_pod_name(pod: str, known: Container[str] = ()) -> str | None:
    """The workload that a pod's name points at, or None for a name that no controller made.

    Args:
        pod: the pod's name.
        known: names of workloads that exist in the pod's namespace. One of them that fits the name wins over
            the forms above; without any, the most specific form decides.
    """
    for form in _KNOWN_FORMS:
        match = form.match(pod)
        if match and match["workload"] in known:
            return match["workload"]
    for form in _POD_FORMS:
        match = form.match(pod)
        if match:
            return match["workload"]
    return None


def deployment_of_replica_set(name: str, template_hash: str = "") -> str | None:
    """The Deployment whose ReplicaSet has this name, by the hash in its label or else by the hash's form."""
    if template_hash and name.endswith(f"-{template_hash}"):
        return name[: -len(template_hash) - 1]
    match = _REPLICA_SET.match(name)
    return match["workload"] if match else None


def cron_job_of_job(name: str) -> str | None:
    """The CronJob that made a Job of this name, or None for a Job of its own."""
    match = _CRON_JOB.match(name)
    return match["workload"] if match else None


def owner_of_claim(name: str) -> tuple[str, str] | None:
    """Workload and volume of the claim that a Deployment's pod made for itself, or None for any other claim."""
    match = _CLAIM_OF_POD.match(name)
    return (match["workload"], match["volume"]) if match else None
