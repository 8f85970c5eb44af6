"""Writing: objects made, replaced, patched and deleted, by the rules about names, revisions and conflicts."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.answers import Answer, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.apply import applied
from simulator.kubernetes.builtins import has_status
from simulator.kubernetes.checks import (
    check_namespace,
    check_preconditions,
    check_revision,
    check_subresource,
    checked_head,
    in_shape,
    with_servers_own,
)
from simulator.kubernetes.current import body_of, key_of, kind_of, revision_of
from simulator.kubernetes.deletion import delete, delete_all, has_finalizers, needs_successors
from simulator.kubernetes.documents import document_of, field_manager, is_dry, media_type, unsupported
from simulator.kubernetes.fields import Manager, leaves, ownership_of, taken_over, written_down
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.kind_rules import normalise
from simulator.kubernetes.kinds import complete
from simulator.kubernetes.meta import Object
from simulator.kubernetes.patches import merged, patched, strategically_merged
from simulator.kubernetes.paths import Target
from simulator.kubernetes.reading import form_of, identified, shown
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.served import served_by
from simulator.kubernetes.status import (
    Cause,
    already_exists,
    bad_request,
    invalid,
    method_not_allowed,
    not_found,
    plain_failure,
)
from simulator.truth import rfc3339

_MERGE, _JSON, _STRATEGIC, _APPLY = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Writer:
    """One write to one resource."""

    cluster: SimulatedCluster
    resource: Resource
    target: Target
    request: Request

    def answer(self) -> Answer:
        """What the server says to the write.

        Raises:
            RefusedError: it does not write it.
        """
        verb, name = self.target.verb, self.target.name
        if self.target.subresource:
            check_subresource(self.resource, self.target)
        if verb == "create" and name is None and not self.target.subresource:
            return self._create(self._document())
        if verb == "deletecollection":
            return delete_all(self.cluster, self.resource, self.target, self.request)
        if name is None or verb not in {"update", "patch", "delete"}:
            raise method_not_allowed()
        if verb == "delete":
            return self._delete()
        return self._update() if verb == "update" else self._patch()

    def existing(self) -> Object:
        """The object that the write is about, as it is.

        Raises:
            RefusedError: there is none (404).
        """
        body = self._body()
        if body is None:
            raise not_found(self.resource.plural, self.resource.group, self.target.name or "")
        return Generated("", body).item

    def _create(self, item: Object) -> Answer:
        metadata = checked_head(self.resource, self.target, item)
        if metadata.get("resourceVersion"):
            raise plain_failure(500, "resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
        return self._stored(item, 201, self._manager("Update"))

    def _stored(self, item: Object, code: int, manager: Manager) -> Answer:
        """Stores a new object."""
        with self.cluster.overlay.lock:
            check_namespace(self.cluster, self.resource, self.target)
            now = rfc3339(revision_of(self.cluster) / 1000)
            metadata = item["metadata"]
            normalise(self.resource, item)
            item = in_shape(self.cluster, self.resource, item, None)
            if self._key_exists(metadata.get("name", "")):
                raise already_exists(self.resource.plural, self.resource.group, metadata["name"])
            if has_status(self.resource) and self.resource.plural != "nodes":
                item.pop("status", None)
            metadata = item["metadata"]
            metadata.update({"uid": str(uuid.uuid4()), "creationTimestamp": now})
            if needs_successors(self.resource):
                metadata["generation"] = 1
            wishes = set(leaves({name: value for name, value in item.items() if name != "status"}))
            complete(self.resource, item, now)
            ownership = {manager: wishes}
            written_down(ownership, {}, item, now)
            if not is_dry(self.request, self.target.verb):
                self._put(item, None)
                self._add_followers(metadata["name"])
        return self._answer(item, code)

    def _update(self) -> Answer:
        item = self._document()
        metadata = checked_head(self.resource, self.target, item)
        name = self.target.name
        if metadata.setdefault("name", name) != name:
            text = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
            raise bad_request(text)
        with self.cluster.overlay.lock:
            old = self.existing()
            if self.resource.custom and not metadata.get("resourceVersion"):
                text = "Invalid value: 0x0: must be specified for an update"
                cause = Cause("FieldValueInvalid", "metadata.resourceVersion", text)
                raise invalid(self.resource.plural, self.resource.group, name or "", cause)
            return self._replaced(old, item, self._manager("Update"))

    def _patch(self) -> Answer:
        media = media_type(self.request)
        accepted = [_JSON, _MERGE, *([] if self.resource.custom else [_STRATEGIC]), _APPLY]
        if media not in accepted:
            raise unsupported(", ".join(accepted))
        if media == _APPLY:
            return self._apply()
        with self.cluster.overlay.lock:
            old, patch = self.existing(), _parsed(self.request.body)
            whole = identified(self.resource, old)
            if media == _JSON:
                new = patched(whole, patch)
            elif not isinstance(patch, dict):
                raise bad_request("the patch is not an object")
            else:
                new = merged(whole, patch) if media == _MERGE else strategically_merged(whole, patch)
            new = self._kept(new)
            checked_head(self.resource, self.target, new)
            return self._replaced(old, new, self._manager("Update"))

    def _apply(self) -> Answer:
        if not self.request.one("fieldManager"):
            cause = Cause("FieldValueRequired", "fieldManager", "Required value: is required for apply patch")
            raise invalid("PatchOptions", "meta.k8s.io", "", cause)
        wanted = self._document()
        metadata = checked_head(self.resource, self.target, wanted)
        if metadata.get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        metadata.setdefault("name", self.target.name)
        normalise(self.resource, wanted)
        manager = self._manager("Apply")
        with self.cluster.overlay.lock:
            if self._body() is None:
                return self._stored(wanted, 201, manager)
            old = self.existing()
            before = ownership_of(old)
            new, after = applied(old, wanted, manager, before, force=self.request.one("force") == "true")
            return self._replaced(old, new, manager, after)

    def _replaced(
        self, old: Object, new: Object, manager: Manager, ownership: dict[Manager, set[Any]] | None = None
    ) -> Answer:
        """Stores what an object becomes; ``ownership`` says who manages what then, where that does not follow."""
        check_revision(self.resource, old, new["metadata"])
        now = rfc3339(revision_of(self.cluster) / 1000)
        normalise(self.resource, new)
        new = with_servers_own(self.resource, self.target, old, new)
        new = in_shape(self.cluster, self.resource, new, old)
        before = ownership_of(old)
        after = taken_over(before, manager, old, new) if ownership is None else ownership
        if _plain(old) == _plain(new) and after == before:
            return self._answer(old, 200)
        if needs_successors(self.resource) and _wishes(old) != _wishes(new):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        written_down(after, before, new, now)
        if not is_dry(self.request, self.target.verb):
            self._put(new, self._body())
            if new["metadata"].get("deletionTimestamp") and not has_finalizers(new):
                delete(self.cluster, self.resource, new)
        return self._answer(new, 200)

    def _delete(self) -> Answer:
        options = document_of(self.request, "DeleteOptions") if self.request.body else {}
        dry = is_dry(self.request, "delete", options)
        with self.cluster.overlay.lock:
            old = self.existing()
            check_preconditions(self.resource, old, options.get("preconditions") or {})
            last = old if dry else delete(self.cluster, self.resource, old, orphan=_orphans(self.request, options))
        if last is not None:
            return self._answer(last, 200)
        metadata, group = old["metadata"], self.resource.group
        details = {"name": metadata["name"], **({"group": group} if group else {}), "kind": self.resource.plural}
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return json_answer({**body, "details": {**details, "uid": metadata["uid"]}})

    def _put(self, item: Object, before: bytes | None) -> None:
        metadata, overlay = item["metadata"], self.cluster.overlay
        metadata["resourceVersion"] = str(overlay.next_revision(self.cluster.observed_at()))
        overlay.put(kind_of(self.resource), key_of(metadata.get("namespace"), metadata["name"]), item, before)

    def _add_followers(self, name: str) -> None:
        """What controllers make for a new object: a namespace's first service account."""
        if (self.resource.group, self.resource.plural) == ("", "namespaces"):
            accounts = served_by(self.cluster).built_in("", "serviceaccounts")
            target = Target("create", "", "v1", "serviceaccounts", name)
            account = {"metadata": {"name": "default", "namespace": name}}
            controller = Request("POST", "", {"fieldManager": ["kube-controller-manager"]})
            Writer(self.cluster, accounts, target, controller)._create(account)

    def _manager(self, operation: str) -> Manager:
        version = self.resource.group_version
        return Manager(field_manager(self.request), operation, version, self.target.subresource)

    def _key_exists(self, name: str) -> bool:
        namespace = self.target.namespace if self.resource.namespaced else None
        return bool(name) and body_of(self.cluster, self.resource, namespace, name) is not None

    def _body(self) -> bytes | None:
        namespace = self.target.namespace if self.resource.namespaced else None
        return body_of(self.cluster, self.resource, namespace, self.target.name or "")

    def _document(self) -> Object:
        return self._kept(document_of(self.request, self.resource.kind))

    def _kept(self, item: Object) -> Object:
        """What was written in the form in which it is kept."""
        return self.resource.form.kept(item) if self.resource.form else item

    def _answer(self, item: Object, code: int) -> Answer:
        answer = shown(self.cluster, self.resource, item, self.request, form_of(self.request))
        return Answer(code, answer.body, answer.content_type)


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"error decoding patch: {error}") from error


def _orphans(request: Request, options: Object) -> bool:
    wanted = request.one("propagationPolicy") or options.get("propagationPolicy")
    return wanted == "Orphan"


def _plain(item: Object) -> Object:
    """An object without what changes with each write."""
    unsteady = {"managedFields", "resourceVersion"}
    metadata = {name: value for name, value in item["metadata"].items() if name not in unsteady}
    return {**item, "metadata": metadata}


def _wishes(item: Object) -> Object:
    """What of an object its generation counts: all but metadata and status."""
    return {name: value for name, value in item.items() if name not in {"metadata", "status"}}
