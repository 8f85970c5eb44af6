"""Rights: RBAC over the cluster's roles and bindings, and over it what is taken from the fleet's own tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.access import READER, Access
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.current import body_of, objects_of
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.identity import User, subject_of
from simulator.kubernetes.meta import Object
from simulator.kubernetes.served import Served, served_by

_GROUP = "rbac.authorization.k8s.io"
Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do: something with a resource, or (``path``) with a path that is none.

    Attributes:
        resource: with its subresource, ``pods/exec``.
    """

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether it is allowed, and why."""

    allowed: bool
    reason: str = ""


def decide(cluster: SimulatedCluster, access: Access, user: User, wish: Wish) -> Decision:
    """Whether a user may do something."""
    if user.name == READER and not wish.path and access.denies(wish.verb, wish.group, wish.resource):
        return Decision(allowed=False)
    if "system:masters" in user.groups:
        return Decision(allowed=True)
    missing: list[str] = []
    for grant in _grants(cluster, user, wish.namespace, missing):
        if any(_allows(rule, wish) for rule in grant.rules):
            return Decision(allowed=True, reason=f"RBAC: allowed by {grant.binding}")
    return Decision(allowed=False, reason=f"RBAC: {', '.join(missing)}" if missing else "")


def rules_of(cluster: SimulatedCluster, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
    """The rules that hold for a user in a namespace, and the roles that are bound but not there."""
    missing: list[str] = []
    rules = [rule for grant in _grants(cluster, user, namespace, missing) for rule in grant.rules]
    return rules, missing


@dataclass(frozen=True)
class _Grant:
    binding: str
    rules: list[Rule]


def _grants(cluster: SimulatedCluster, user: User, namespace: str, missing: list[str]) -> Iterator[_Grant]:
    """The roles bound to a user, cluster-wide and in a namespace; ``missing`` gets those that are not there."""
    served = served_by(cluster)
    everywhere = objects_of(cluster, served.built_in(_GROUP, "clusterrolebindings"))
    bindings = [("ClusterRoleBinding", each) for each in everywhere]
    if namespace:
        here = objects_of(cluster, served.built_in(_GROUP, "rolebindings"), namespace)
        bindings += [("RoleBinding", each) for each in here]
    for kind, binding in bindings:
        subject = next((each for each in binding.get("subjects") or () if _is(each, user, binding)), None)
        if subject is None:
            continue
        role = binding["roleRef"]
        rules = _rules(cluster, served, role, namespace)
        if rules is None:
            missing.append(f'{role["kind"].lower()}.{_GROUP} "{role["name"]}" not found')
            continue
        name = binding["metadata"]["name"]
        named = f"{name}/{namespace}" if kind == "RoleBinding" else name
        text = f'{kind} "{named}" of {role["kind"]} "{role["name"]}" to {subject["kind"]} "{_called(subject, binding)}"'
        yield _Grant(text, rules)


def _rules(cluster: SimulatedCluster, served: Served, role: Mapping[str, str], namespace: str) -> list[Rule] | None:
    in_namespace = role["kind"] == "Role"
    resource = served.built_in(_GROUP, "roles" if in_namespace else "clusterroles")
    body = body_of(cluster, resource, namespace if in_namespace else None, role["name"])
    return None if body is None else Generated("", body).item.get("rules") or []


def _is(subject: Mapping[str, str], user: User, binding: Object) -> bool:
    if subject["kind"] == "ServiceAccount":
        return subject_of(user.name) == (_namespace(subject, binding), subject["name"])
    return subject["name"] in user.groups if subject["kind"] == "Group" else subject["name"] == user.name


def _called(subject: Mapping[str, str], binding: Object) -> str:
    name = subject["name"]
    return f"{name}/{_namespace(subject, binding)}" if subject["kind"] == "ServiceAccount" else name


def _namespace(subject: Mapping[str, str], binding: Object) -> str:
    return subject.get("namespace") or str(binding["metadata"].get("namespace", ""))


def _allows(rule: Rule, wish: Wish) -> bool:
    if not _one_of(rule.get("verbs"), wish.verb):
        return False
    if wish.path:
        return any(_path_fits(each, wish.path) for each in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _one_of(rule.get("apiGroups"), wish.group)
        and _resource_fits(rule.get("resources") or (), wish.resource)
        and (not names or wish.name in names)
    )


def _one_of(allowed: list[str] | None, wanted: str) -> bool:
    return bool(allowed) and ("*" in (allowed or ()) or wanted in (allowed or ()))


def _resource_fits(allowed: list[str] | tuple[str, ...], wanted: str) -> bool:
    subresource = wanted.partition("/")[2]
    return bool({"*", wanted, f"*/{subresource}" if subresource else "*"} & set(allowed))


def _path_fits(allowed: str, path: str) -> bool:
    return path.startswith(allowed[:-1]) if allowed.endswith("*") else path == allowed
