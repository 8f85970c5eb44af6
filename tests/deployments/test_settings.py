"""Settings: wrong ones are named, secrets come from files, and a child process gets the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.embedded.stack import Stack
from deployments.settings import load_settings
from fleet.errors import StoreError, UsageError
from tests.showing import shown


@pytest.mark.parametrize(
    ("variables", "explanation"),
    [
        ({"FLEETSCOPE_POSTGRES_PORT": "many"}, "FLEETSCOPE_POSTGRES_PORT: .*integer"),
        ({"FLEETSCOPE_S3_PORT": "70000"}, "FLEETSCOPE_S3_PORT: .*65535"),
        (
            {"FLEETSCOPE_VAULT_ADDRESS": "vault.example:8200"},
            "FLEETSCOPE_VAULT_ADDRESS: must be an http:// or https:// URL",
        ),
        ({"FLEETSCOPE_VAULT_ADDRESS": "https://vault.example"}, "FLEETSCOPE_VAULT_TOKEN_FILE is needed"),
        ({"FLEETSCOPE_VAULT_TOKEN_FILE": "/nowhere"}, "FLEETSCOPE_VAULT_TOKEN_FILE: /nowhere is not a file"),
        (
            {"FLEETSCOPE_VAULT_ADDRESS": "https://vault.example", "FLEETSCOPE_VAULT_AUTH": "approle"},
            "FLEETSCOPE_VAULT_ROLE_ID is needed",
        ),
        (
            {"FLEETSCOPE_VAULT_ADDRESS": "https://vault.example", "FLEETSCOPE_VAULT_AUTH": "kubernetes"},
            "FLEETSCOPE_VAULT_ROLE is needed",
        ),
        ({"FLEETSCOPE_VAULT_AUTH": "password"}, "FLEETSCOPE_VAULT_AUTH: .*'approle'"),
        ({"FLEETSCOPE_VAULT_AUTH": "approle"}, "FLEETSCOPE_VAULT_ADDRESS is needed"),
        ({"FLEETSCOPE_CREDENTIALS_STORE": "kubernetes"}, "FLEETSCOPE_CREDENTIALS_KEYRING_FILE is needed"),
        ({"FLEETSCOPE_S3_ENDPOINT": "https://s3.example"}, "FLEETSCOPE_S3_ACCESS_KEY is needed"),
        ({"FLEETSCOPE_SMTP_HOST": "mail.example"}, "FLEETSCOPE_SMTP_FROM is needed"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], explanation: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=explanation):
        load_settings()


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://user:hunter2@db.example/fleetscope",
        "postgresql://user@db.example/fleetscope?password=hunter2",
        "postgresql://user@db.example/fleetscope?sslmode=require&sslpassword=hunter2",
    ],
)
def test_a_password_in_the_dsn_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv("FLEETSCOPE_POSTGRES_DSN", dsn)
    with pytest.raises(UsageError, match="FLEETSCOPE_POSTGRES_DSN: must not hold the password") as refusal:
        load_settings()
    assert "hunter2" not in shown(refusal.value)


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"hunter2\xff", "cannot be read")])
def test_a_secret_file_that_holds_none_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    monkeypatch.setenv("FLEETSCOPE_POSTGRES_DSN", "postgresql://user@db.example/fleetscope")
    monkeypatch.setenv("FLEETSCOPE_POSTGRES_PASSWORD_FILE", str(file))
    with pytest.raises(StoreError, match=f"{file} {words}") as refusal:
        load_settings().postgres()
    assert "hunter2" not in shown(refusal.value)


def test_services_of_ones_own_replace_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    given = {
        "STATE_DIR": str(tmp_path / "state"),
        "POSTGRES_DSN": "postgresql://fleet@db.example/fleet",
        "POSTGRES_PASSWORD_FILE": str(secret),
        "S3_ENDPOINT": "https://s3.example",
        "S3_ACCESS_KEY": "key",
        "S3_SECRET_KEY_FILE": str(secret),
        "VAULT_ADDRESS": "https://vault.example:8200",
        "VAULT_TOKEN_FILE": str(secret),
        "PREFECT_API_URL": "https://prefect.example/api",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"FLEETSCOPE_{name}", value)
    stack = Stack(load_settings())
    assert [part.name for part in stack.parts()] == ["worker"]
    addresses = stack.addresses()
    assert addresses.postgres.password == "s3cret"
    assert addresses.prefect.ui_url == "https://prefect.example"
    assert "s3cret" not in repr(addresses)
    # What a child process is given leads it to the same places.
    for name, value in addresses.environment().items():
        monkeypatch.setenv(name, value)
    assert Stack(load_settings()).addresses() == addresses


@pytest.mark.parametrize(
    "home",
    [
        {
            "VAULT_ADDRESS": "https://vault.example",
            "VAULT_AUTH": "approle",
            "VAULT_AUTH_PATH": "fleet-roles",
            "VAULT_ROLE_ID": "3f1c",
            "VAULT_SECRET_ID_FILE": "secret",
            "VAULT_NAMESPACE": "team/fleet",
            "VAULT_CA_FILE": "secret",
            "VAULT_MOUNT": "fleet-kv",
        },
        {
            "VAULT_ADDRESS": "https://vault.example",
            "VAULT_AUTH": "kubernetes",
            "VAULT_ROLE": "fleetscope",
            "VAULT_SERVICE_ACCOUNT_TOKEN_FILE": "secret",
        },
        {"CREDENTIALS_STORE": "kubernetes", "CREDENTIALS_KEYRING_FILE": "secret"},
        {
            "CREDENTIALS_STORE": "kubernetes",
            "CREDENTIALS_KEYRING_FILE": "secret",
            "CREDENTIALS_KUBECONFIG_FILE": "secret",
            "CREDENTIALS_NAMESPACE": "aiops",
        },
    ],
)
def test_credentials_have_a_home_of_ones_own(
    home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    monkeypatch.setenv("FLEETSCOPE_STATE_DIR", str(tmp_path / "state"))
    for name, value in home.items():
        monkeypatch.setenv(f"FLEETSCOPE_{name}", str(secret) if value == "secret" else value)
    stack = Stack(load_settings())
    assert "openbao" not in [part.name for part in stack.parts()]
    credentials = stack.addresses().credentials
    assert "s3cret" not in repr(credentials)
    said = credentials.environment()
    assert {f"FLEETSCOPE_{name}" for name in home} <= set(said)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert Stack(load_settings()).addresses().credentials == credentials


def test_settings_survive_the_way_to_a_child_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load_settings(state_dir=tmp_path, smtp_starttls=False, prefect_port=4300)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings
