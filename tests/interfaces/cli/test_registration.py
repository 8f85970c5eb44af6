"""Registrations as people write them: what is refused, in which words, and which secrets are in none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from fleet.errors import UsageError
from interfaces.cli.cluster import app
from interfaces.cli.registration import read_registrations
from tests.showing import shown

URL = "https://api.example:6443"
KEY = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"


def entry(credential: dict[str, Any] | None = None, **endpoint: Any) -> dict[str, Any]:
    return {"name": "a", "endpoints": {"kubernetes": {"url": URL, **endpoint}}, "credential": credential}


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a key as the authority": (entry(ca_file="key.pem"), "key.pem holds a private key"),
    "a key beside the authority": (entry(ca_file="both.pem"), "both.pem holds a private key"),
    "a token as the authority": (entry(ca_file="token"), "token is no PEM certificate"),
    "a key as the authority's text": (entry(ca_pem=KEY), "ca_pem holds a private key"),
    "an empty authority": (entry(ca_file="empty"), "empty is no PEM certificate"),
    "a secret for a file": (entry({"token": "canary"}), "credential.token: Extra inputs are not permitted"),
    "a secret for a list": (entry({"token_file": ["canary"]}), "credential.token_file: Input is not a valid path"),
    "a user without a password": (entry({"username": "me"}), "without a password file"),
    "a password without a user": (entry({"password_file": "token"}), "without a user name"),
    "a certificate without its key": (entry({"client_cert_file": "ca.pem"}), "without its key"),
    "a key without its certificate": (entry({"client_key_file": "key.pem"}), "without its certificate"),
    "a port that is a word": (entry(url="https://api.example:https"), "endpoints.kubernetes.url: Value error, Port"),
    "a port beyond all": (entry(url="https://api.example:65536"), "endpoints.kubernetes.url: Value error, Port"),
    "no port": (entry(url="https://api.example:0"), "must not have the port 0"),
    "a space": (entry(url="https://api example"), "must not carry white space"),
    "a line's end": (entry(url="https://api.example/\nx"), "must not carry white space"),
    "a backslash": (entry(url="https://api.example\\.evil.example"), "or a backslash"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_without_secrets(mistake: str, tmp_path: Path) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    files = {"ca.pem": certificate, "key.pem": KEY, "both.pem": certificate + KEY, "token": "canary", "empty": ""}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    wrong, said = MISTAKES[mistake]
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump({"clusters": [wrong]}))
    with pytest.raises(UsageError) as refused:
        read_registrations(file)
    assert f"{file}: clusters[0]" in refused.value.message
    assert said in refused.value.message
    assert "canary" not in shown(refused.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--file", "fleet.yaml", "--token-file", "token"], "no other option goes with it"),
        (["--file", "fleet.yaml", "--insecure"], "no other option goes with it"),
        (["edge-1", "--file", "fleet.yaml"], "no other option goes with it"),
        (["edge-1"], "at least one endpoint"),
        (["--kubernetes", URL], "give a name"),
        ([], "give a name"),
    ],
)
def test_what_add_would_have_to_ignore_is_refused(arguments: list[str], said: str) -> None:
    outcome = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["add", *arguments])
    assert outcome.exit_code == 2
    assert said in " ".join(outcome.output.split())


def test_a_kubeconfig_without_contexts_is_said(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("kind: Config\n")
    outcome = CliRunner().invoke(app, ["import", "--kubeconfig", str(tmp_path / "kubeconfig"), "--all"])
    assert isinstance(outcome.exception, UsageError)
    assert "has no contexts" in outcome.exception.message
