"""Who asks: the users behind bearer tokens, tokens of service accounts among them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulator.access import READER, Access
from simulator.answers import Request
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.current import body_of
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.served import served_by
from simulator.kubernetes.status import unauthorized
from simulator.randomness import uid_of

AUDIENCE = "https://kubernetes.default.svc"
_HEADER = {"alg": "RS256", "kid": "simulator"}


@dataclass(frozen=True)
class User:
    """A user as reviews name it."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The user in a TokenReview."""
        uid = {"uid": self.uid} if self.uid else {}
        return {"username": self.name, **uid, "groups": list(self.groups)}


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))


class TokenRefusedError(Exception):
    """A token that the server does not take, with what a TokenReview says of it."""


def asking(cluster: SimulatedCluster, request: Request, access: Access) -> User:
    """The user behind a request.

    Raises:
        RefusedError: the token is not one of this cluster (401).
    """
    if request.token is None:
        return ANONYMOUS
    try:
        user, _ = user_of(cluster, access, request.token, [AUDIENCE])
    except TokenRefusedError as refused:
        raise unauthorized() from refused
    return user


def user_of(
    cluster: SimulatedCluster, access: Access, token: str, audiences: Sequence[str]
) -> tuple[User, Sequence[str]]:
    """The user behind a token, and for which of the wanted audiences it is.

    Raises:
        TokenRefusedError: it is not valid, or for none of them.
    """
    if access.knows(token):
        if AUDIENCE not in audiences:
            raise TokenRefusedError("invalid bearer token")
        return reader(cluster), [AUDIENCE]
    claims = _claims(token)
    shared = [each for each in claims["aud"] if each in audiences]
    if not shared:
        own, wanted = _quoted(claims["aud"]), _quoted(audiences)
        raise TokenRefusedError(
            f"[invalid bearer token, token audiences {own} is invalid for the target audiences {wanted}]"
        )
    if claims["exp"] <= cluster.observed_at():
        raise TokenRefusedError("[invalid bearer token, Token has expired.]")
    return _living_account(cluster, claims["kubernetes.io"]), shared


def reader(cluster: SimulatedCluster) -> User:
    """The user of the cluster's own tokens."""
    namespace, name = READER.split(":")[2:]
    return _account(namespace, name, uid_of(cluster.name, "ServiceAccount", namespace, name))


def subject_of(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account behind a user's name; None for other users."""
    parts = name.split(":")
    return (parts[2], parts[3]) if len(parts) == 4 and parts[:2] == ["system", "serviceaccount"] else None


def issue(namespace: str, account: Mapping[str, Any], audiences: Sequence[str], start: float, seconds: int) -> str:
    """A token for a service account as a signed JWT.

    Args:
        namespace: of the account.
        account: its metadata.
        audiences: whom the token is for.
        start: Unix seconds.
        seconds: how long it is valid.
    """
    begin = int(start)
    claims = {
        "aud": list(audiences),
        "exp": begin + seconds,
        "iat": begin,
        "iss": AUDIENCE,
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": account["name"], "uid": account["uid"]},
        },
        "nbf": begin,
        "sub": f"system:serviceaccount:{namespace}:{account['name']}",
    }
    signed = f"{_encoded(json.dumps(_HEADER).encode())}.{_encoded(json.dumps(claims).encode())}"
    signature = _key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


@cache
def _key() -> rsa.RSAPrivateKey:
    """The key by which tokens of this process are told from others; one for all clusters, since uids differ."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _claims(token: str) -> dict[str, Any]:
    invalid = TokenRefusedError("invalid bearer token")
    signed, _, signature = token.rpartition(".")
    if signed.count(".") != 1:
        raise invalid
    try:
        _key().public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError) as error:
        raise invalid from error
    claims: dict[str, Any] = json.loads(_decoded(signed.partition(".")[2]))
    return claims


def _living_account(cluster: SimulatedCluster, bound: Mapping[str, Any]) -> User:
    namespace, account = bound["namespace"], bound["serviceaccount"]
    accounts = served_by(cluster).built_in("", "serviceaccounts")
    body = body_of(cluster, accounts, namespace, account["name"])
    if body is None or Generated("", body).item["metadata"]["uid"] != account["uid"]:
        raise TokenRefusedError(f'[invalid bearer token, serviceaccounts "{account["name"]}" not found]')
    return _account(namespace, account["name"], account["uid"])


def _account(namespace: str, name: str, uid: str) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return User(f"system:serviceaccount:{namespace}:{name}", uid, groups)


def _quoted(audiences: Sequence[str]) -> str:
    return "[" + " ".join(f'"{each}"' for each in audiences) + "]"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
