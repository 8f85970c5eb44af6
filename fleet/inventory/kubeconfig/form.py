"""The fields of a kubeconfig that are read: v1 Config of ``k8s.io/client-go/tools/clientcmd/api``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class _Form(BaseModel):
    # What stands beside the fields that we read may be anything; secrets are in no message.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: object) -> object:
        """A field that is null is as one that is not there, as it is for Go's decoder."""
        return {key: each for key, each in value.items() if each is not None} if isinstance(value, dict) else value


class ClusterForm(_Form):
    """How an API server is reached."""

    server: str = ""
    ca_file: str = Field("", alias="certificate-authority")
    ca_data: str = Field("", alias="certificate-authority-data")
    insecure: bool = Field(False, alias="insecure-skip-tls-verify")
    tls_server_name: str = Field("", alias="tls-server-name")
    proxy_url: str = Field("", alias="proxy-url")


class UserForm(_Form):
    """How somebody authenticates."""

    token: SecretStr | None = None
    token_file: str = Field("", alias="tokenFile")
    username: str = ""
    password: SecretStr | None = None
    client_certificate: str = Field("", alias="client-certificate")
    client_certificate_data: str = Field("", alias="client-certificate-data")
    client_key: str = Field("", alias="client-key")
    client_key_data: SecretStr | None = Field(None, alias="client-key-data")
    exec: object = None
    auth_provider: object = Field(None, alias="auth-provider")
    act_as: object = Field(None, alias="as")


class ContextForm(_Form):
    """Which user at which cluster."""

    cluster: str = ""
    user: str = ""


class NamedCluster(_Form):
    """An entry of `clusters`."""

    name: str
    cluster: ClusterForm = ClusterForm()


class NamedUser(_Form):
    """An entry of `users`."""

    name: str
    user: UserForm = UserForm()


class NamedContext(_Form):
    """An entry of `contexts`."""

    name: str
    context: ContextForm = ContextForm()


class Document(_Form):
    """The whole file."""

    current: str = Field("", alias="current-context")
    clusters: list[NamedCluster] = []
    users: list[NamedUser] = []
    contexts: list[NamedContext] = []
