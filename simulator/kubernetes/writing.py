"""Writing: objects made, replaced, patched and deleted, by the rules about names, revisions and conflicts."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.answers import Answer, RefusedError, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.apply import applied
from simulator.kubernetes.builtins import has_status, is_custom
from simulator.kubernetes.current import body_of, key_of, kind_of, revision_of
from simulator.kubernetes.deletion import delete, delete_all, has_finalizers, needs_successors
from simulator.kubernetes.documents import document_of, field_manager, is_dry, media_type, unsupported
from simulator.kubernetes.fields import Manager, leaves, ownership_of, taken_over, written_down
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.kinds import causes_against, causes_against_change, complete, normalise
from simulator.kubernetes.meta import Object
from simulator.kubernetes.patches import merged, patched, strategically_merged
from simulator.kubernetes.paths import Target
from simulator.kubernetes.reading import form_of, identified, shown
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.schemas import pruned
from simulator.kubernetes.served import served_by
from simulator.kubernetes.status import (
    Cause,
    already_exists,
    bad_request,
    conflict,
    invalid,
    method_not_allowed,
    no_such_resource,
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
_SERVERS_OWN = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
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
            self._check_status_subresource()
        if verb == "create" and name is None and not self.target.subresource:
            return self._create(document_of(self.request, self.resource.kind))
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
        metadata = self._checked_head(item)
        if metadata.get("resourceVersion"):
            raise plain_failure(500, "resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
        return self._stored(item, 201, self._manager("Update"))

    def _stored(self, item: Object, code: int, manager: Manager) -> Answer:
        """Stores a new object."""
        with self.cluster.overlay.lock:
            self._check_namespace()
            now = rfc3339(revision_of(self.cluster) / 1000)
            metadata = item["metadata"]
            normalise(self.resource, item)
            item = self._in_shape(item, None)
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
        item = document_of(self.request, self.resource.kind)
        metadata = self._checked_head(item)
        name = self.target.name
        if metadata.setdefault("name", name) != name:
            text = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
            raise bad_request(text)
        with self.cluster.overlay.lock:
            old = self.existing()
            if is_custom(self.resource) and not metadata.get("resourceVersion"):
                text = "Invalid value: 0x0: must be specified for an update"
                cause = Cause("FieldValueInvalid", "metadata.resourceVersion", text)
                raise invalid(self.resource.plural, self.resource.group, name or "", cause)
            return self._replaced(old, item, self._manager("Update"))

    def _patch(self) -> Answer:
        media = media_type(self.request)
        accepted = [_JSON, _MERGE, *([] if is_custom(self.resource) else [_STRATEGIC]), _APPLY]
        if media not in accepted:
            raise unsupported(", ".join(accepted))
        if media == _APPLY:
            return self._apply()
        with self.cluster.overlay.lock:
            old = identified(self.resource, self.existing())
            patch = _parsed(self.request.body)
            if media == _JSON:
                new = patched(old, patch)
            elif not isinstance(patch, dict):
                raise bad_request("the patch is not an object")
            else:
                new = merged(old, patch) if media == _MERGE else strategically_merged(old, patch)
            return self._replaced(old, new, self._manager("Update"))

    def _apply(self) -> Answer:
        if not self.request.one("fieldManager"):
            cause = Cause("FieldValueRequired", "fieldManager", "Required value: is required for apply patch")
            raise invalid("PatchOptions", "meta.k8s.io", "", cause)
        wanted = document_of(self.request, self.resource.kind)
        metadata = self._checked_head(wanted)
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
        new.setdefault("metadata", {})
        self._check_revision(old, new["metadata"])
        now = rfc3339(revision_of(self.cluster) / 1000)
        normalise(self.resource, new)
        new = self._with_servers_own(old, new)
        new = self._in_shape(new, old)
        old = {name: value for name, value in old.items() if name in new or name not in {"kind", "apiVersion"}}
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
            self._check_preconditions(old, options.get("preconditions") or {})
            last = old if dry else delete(self.cluster, self.resource, old, orphan=_orphans(self.request, options))
        if last is not None:
            return self._answer(last, 200)
        metadata, group = old["metadata"], self.resource.group
        details = {"name": metadata["name"], **({"group": group} if group else {}), "kind": self.resource.plural}
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return json_answer({**body, "details": {**details, "uid": metadata["uid"]}})

    def _check_status_subresource(self) -> None:
        if not has_status(self.resource):
            name = self.target.name or ""
            raise (
                not_found(self.resource.plural, self.resource.group, name)
                if is_custom(self.resource)
                else no_such_resource()
            )
        if self.target.verb not in {"update", "patch"}:
            raise method_not_allowed()

    def _checked_head(self, item: Object) -> Object:
        """The metadata of a document that fits the path."""
        kind, api_version = item.get("kind", self.resource.kind), item.get("apiVersion", self.resource.group_version)
        if (kind, api_version) != (self.resource.kind, self.resource.group_version):
            version = api_version.rpartition("/")[2]
            raise bad_request(f'{kind} in version "{version}" cannot be handled as a {self.resource.kind}')
        metadata: Object = item.setdefault("metadata", {})
        if self.resource.namespaced:
            if metadata.setdefault("namespace", self.target.namespace) != self.target.namespace:
                text = "the namespace of the provided object does not match the namespace sent on the request"
                raise bad_request(text)
        else:
            metadata.pop("namespace", None)
        return metadata

    def _check_namespace(self) -> None:
        if not self.resource.namespaced:
            return
        name = self.target.namespace or ""
        if body_of(self.cluster, served_by(self.cluster).built_in("", "namespaces"), None, name) is None:
            raise not_found("namespaces", "", name)

    def _check_revision(self, old: Object, metadata: Object) -> None:
        given, uid = metadata.get("resourceVersion"), metadata.get("uid")
        if given and given != old["metadata"]["resourceVersion"]:
            raise self._conflict(
                "the object has been modified; please apply your changes to the latest version and try again"
            )
        if uid and uid != old["metadata"]["uid"]:
            raise self._conflict(
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['metadata']['uid']}"
            )

    def _check_preconditions(self, old: Object, wanted: Object) -> None:
        for field, called in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            given, own = wanted.get(field), old["metadata"][field]
            if given and given != own:
                raise self._conflict(
                    f"the {called} in the precondition ({given}) does not match the {called} in record ({own}). "
                    "The object might have been modified"
                )

    def _conflict(self, why: str) -> RefusedError:
        return conflict(self.resource.plural, self.resource.group, self.target.name or "", why)

    def _with_servers_own(self, old: Object, new: Object) -> Object:
        """A document with what only the server may change as it was, and what its path does not reach."""
        part = self.target.subresource or "spec"
        if part == "status":
            status = {"status": new["status"]} if "status" in new else {}
            return {**old, **status, "metadata": dict(old["metadata"])}
        metadata = dict(new["metadata"])
        for name in (*_SERVERS_OWN, "name", "namespace"):
            metadata.pop(name, None)
            if name in old["metadata"]:
                metadata[name] = old["metadata"][name]
        result = {**new, "metadata": metadata}
        if has_status(self.resource):
            result.pop("status", None)
            if "status" in old:
                result["status"] = old["status"]
        return result

    def _in_shape(self, item: Object, old: Object | None) -> Object:
        """A document in the form in which it is kept, checked.

        Raises:
            RefusedError: it says something that cannot be (422).
        """
        if is_custom(self.resource):
            item = {**item, "kind": self.resource.kind, "apiVersion": self._stored_version()}
            if self.resource.schema:
                item = pruned(item, self.resource.schema)
        else:
            item = {name: value for name, value in item.items() if name not in {"kind", "apiVersion"}}
        causes = list(causes_against(self.resource, item))
        if old is not None:
            causes += causes_against_change(self.resource, old, item)
        if causes:
            raise invalid(self.resource.kind, self.resource.group, item["metadata"].get("name", ""), *causes)
        return item

    def _stored_version(self) -> str:
        kept = served_by(self.cluster).any_version(self.resource.group, self.resource.plural)
        return (kept or self.resource).group_version

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
