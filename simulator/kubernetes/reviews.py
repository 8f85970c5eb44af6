"""Reviews: who somebody is and what somebody may do, and the tokens that service accounts are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.access import READER, Access
from simulator.answers import Answer, json_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.identity import AUDIENCE, TokenRefusedError, User, issue, user_of
from simulator.kubernetes.meta import Object
from simulator.kubernetes.paths import Target
from simulator.kubernetes.rbac import Decision, Wish, decide, rules_of
from simulator.kubernetes.status import Cause, bad_request, invalid
from simulator.truth import rfc3339

_AUTHENTICATION = "authentication.k8s.io"
_AUTHORIZATION = "authorization.k8s.io"
_SHORTEST_SECONDS = 600
_USUAL_SECONDS = 3600


@dataclass(frozen=True)
class Review:
    """One review: who asks for it, in which cluster, and what it says."""

    cluster: SimulatedCluster
    access: Access
    user: User
    target: Target
    document: Object

    @property
    def spec(self) -> dict[str, Any]:
        """What is asked."""
        spec: dict[str, Any] = self.document.get("spec") or {}
        return spec


REVIEWS: dict[tuple[str, str], tuple[str, bool]] = {
    (_AUTHENTICATION, "tokenreviews"): ("TokenReview", False),
    (_AUTHENTICATION, "selfsubjectreviews"): ("SelfSubjectReview", False),
    (_AUTHORIZATION, "subjectaccessreviews"): ("SubjectAccessReview", False),
    (_AUTHORIZATION, "selfsubjectaccessreviews"): ("SelfSubjectAccessReview", False),
    (_AUTHORIZATION, "selfsubjectrulesreviews"): ("SelfSubjectRulesReview", False),
    (_AUTHORIZATION, "localsubjectaccessreviews"): ("LocalSubjectAccessReview", True),
}
"""Each review's kind, and whether it is made in a namespace."""


def is_review(target: Target) -> bool:
    """Whether a request is about reviews of a version that the server has."""
    return target.version == "v1" and (target.group, target.plural) in REVIEWS


def reviewed(review: Review) -> Answer:
    """The answer to a review.

    Raises:
        RefusedError: it cannot be made so (400, 422).
    """
    kind, _ = REVIEWS[review.target.group, review.target.plural]
    metadata = {**(review.document.get("metadata") or {}), "creationTimestamp": None}
    head = {"kind": kind, "apiVersion": f"{review.target.group}/v1", "metadata": metadata}
    spec = {} if kind in {"SelfSubjectReview", "SelfSubjectRulesReview"} else review.spec
    return json_answer({**head, "spec": spec, "status": _STATUS[kind](review)}, 201)


def _token_review(review: Review) -> Object:
    token = review.spec.get("token") or ""
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    try:
        user, audiences = user_of(review.cluster, review.access, token, review.spec.get("audiences") or [AUDIENCE])
    except TokenRefusedError as refused:
        return {"user": {}, "error": str(refused)}
    return {"authenticated": True, "user": user.document, "audiences": list(audiences)}


def _self_review(review: Review) -> Object:
    return {"userInfo": review.user.document}


def _self_access_review(review: Review) -> Object:
    return _access(review, review.user)


def _access_review(review: Review) -> Object:
    spec = review.spec
    if not spec.get("user") and not spec.get("groups"):
        text = "at least one of user or group must be specified"
        raise _invalid_review(Cause("FieldValueInvalid", "spec.user", f'Invalid value: "": {text}'))
    return _access(review, User(spec.get("user", ""), groups=tuple(spec.get("groups") or ())))


def _access(review: Review, user: User) -> Object:
    resource, other = review.spec.get("resourceAttributes"), review.spec.get("nonResourceAttributes") or {}
    if resource and other:
        shown = f'authorization.NonResourceAttributes{{Path:"{other.get("path")}", Verb:"{other.get("verb")}"}}'
        text = f"Invalid value: {shown}: cannot be specified in combination with resourceAttributes"
        raise _invalid_review(Cause("FieldValueInvalid", "spec.nonResourceAttributes", text))
    if not resource and not other:
        text = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _invalid_review(Cause("FieldValueInvalid", "spec.resourceAttributes", text))
    if resource:
        wish = Wish(
            verb=resource.get("verb", ""),
            group=resource.get("group", ""),
            resource="/".join(filter(None, (resource.get("resource"), resource.get("subresource")))),
            namespace=resource.get("namespace", ""),
            name=resource.get("name", ""),
        )
    else:
        wish = Wish(other.get("verb", ""), path=other.get("path", ""))
    return _document(decide(review.cluster, review.access, user, wish))


def _invalid_review(cause: Cause) -> Exception:
    return invalid("", _AUTHORIZATION, "", cause)


def _document(decision: Decision) -> Object:
    return {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}


def _rules_review(review: Review) -> Object:
    namespace = review.spec.get("namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    rules, errors = rules_of(review.cluster, review.user, namespace)
    if review.user.name == READER and review.access.denied:
        # RBAC knows no rule that takes a right away: the list would promise too much.
        errors = [*errors, "rights are denied that no rule can express"]
    return {
        "resourceRules": [rule for rule in rules if "resources" in rule],
        "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
        "incomplete": bool(errors),
        **({"evaluationError": ", ".join(errors)} if errors else {}),
    }


_STATUS: dict[str, Callable[[Review], Object]] = {
    "TokenReview": _token_review,
    "SelfSubjectReview": _self_review,
    "SubjectAccessReview": _access_review,
    "SelfSubjectAccessReview": _self_access_review,
    "SelfSubjectRulesReview": _rules_review,
    "LocalSubjectAccessReview": _access_review,
}


def token_for(cluster: SimulatedCluster, account: Object, document: Object) -> Answer:
    """The answer to a TokenRequest for a service account.

    Raises:
        RefusedError: the token would be too short-lived (422).
    """
    spec = document.get("spec") or {}
    seconds = spec.get("expirationSeconds") or _USUAL_SECONDS
    if seconds < _SHORTEST_SECONDS:
        text = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        cause = Cause("FieldValueInvalid", "spec.expirationSeconds", text)
        raise invalid("TokenRequest", _AUTHENTICATION, "", cause)
    metadata, now = account["metadata"], cluster.observed_at()
    audiences = spec.get("audiences") or [AUDIENCE]
    token = issue(metadata["namespace"], metadata, audiences, now, seconds)
    return json_answer(
        {
            "kind": "TokenRequest",
            "apiVersion": f"{_AUTHENTICATION}/v1",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "creationTimestamp": None},
            "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": None},
            "status": {"token": token, "expirationTimestamp": rfc3339(now + seconds)},
        },
        201,
    )
