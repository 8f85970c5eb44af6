"""Kubeconfigs of every form that people have, and of forms that nobody should have."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.errors import UsageError
from fleet.inventory.kubeconfig import KubeconfigContext, read_kubeconfig
from fleet.inventory.naming import cluster_name_of
from fleet.inventory.untrusted_yaml import LARGEST_CHARACTERS

CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nclient\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\ncanary-key\n-----END PRIVATE KEY-----\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def document(cluster: dict[str, Any], user: dict[str, Any], context: str = "edge") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": "c", "cluster": {"server": "https://api.edge.example:6443", **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
    }


def read(directory: Path, cluster: dict[str, Any], user: dict[str, Any], context: str = "edge") -> KubeconfigContext:
    text = yaml.safe_dump(document(cluster, user, context))
    [found] = read_kubeconfig(text, directory, "kubeconfig").contexts
    return found


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "pki").mkdir()
    for name, text in {"ca.crt": CA, "client.crt": CERTIFICATE, "client.key": KEY, "token": "canary-token\n"}.items():
        (tmp_path / "pki" / name).write_text(text)
    return tmp_path


USERS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "token": ({"token": "canary-token"}, {"token": "canary-token"}),
    "token of digits": ({"token": 123456}, {"token": "123456"}),
    "token file, from where the kubeconfig lies": ({"tokenFile": "pki/token"}, {"token": "canary-token"}),
    "a token file goes before a token": (
        {"tokenFile": "pki/token", "token": "old"},
        {"token": "canary-token"},
    ),
    "user name and password": (
        {"username": "me", "password": "canary-word"},
        {"username": "me", "password": "canary-word"},
    ),
    "certificate in files": (
        {"client-certificate": "pki/client.crt", "client-key": "pki/client.key"},
        {"client_cert_pem": CERTIFICATE, "client_key_pem": KEY},
    ),
    "certificate as data, which goes before files": (
        {
            "client-certificate-data": encoded(CERTIFICATE),
            "client-certificate": "nowhere",
            "client-key-data": encoded(KEY),
        },
        {"client_cert_pem": CERTIFICATE, "client_key_pem": KEY},
    ),
    "null stands for nothing": ({"token": "canary-token", "exec": None, "client-key": None}, {"token": "canary-token"}),
}


@pytest.mark.parametrize("form", USERS)
def test_users_of_every_form(form: str, files: Path) -> None:
    user, expected = USERS[form]
    found = read(files, {"certificate-authority": "pki/ca.crt"}, user)
    assert found.problem == ""
    assert found.credential is not None and found.credential.fields() == expected
    assert found.endpoint is not None and found.endpoint.url == "https://api.edge.example:6443"
    assert found.endpoint.ca_pem == CA
    assert found.endpoint.verify_tls
    assert "canary" not in repr(found)


def test_authorities_and_unverified_tls(files: Path) -> None:
    token = {"token": "t"}
    given = read(files, {"certificate-authority-data": encoded(CA), "certificate-authority": "nowhere"}, token)
    assert given.endpoint is not None and given.endpoint.ca_pem == CA
    assert given.notes == []
    absolute = read(files, {"certificate-authority": str(files / "pki" / "ca.crt")}, token)
    assert absolute.endpoint == given.endpoint
    machine = read(files, {}, token)
    assert machine.endpoint is not None and machine.endpoint.ca_pem is None
    insecure = read(files, {"insecure-skip-tls-verify": True}, token)
    assert insecure.endpoint is not None and not insecure.endpoint.verify_tls
    assert any("not verified" in note for note in insecure.notes)


def test_what_ends_soon_is_said(files: Path) -> None:
    assert any("ends soon" in note for note in read(files, {}, {"token": "sha256~abcdef"}).notes)
    assert any("pki/token" in note for note in read(files, {}, {"tokenFile": "pki/token"}).notes)


TOKEN = {"token": "canary-token"}
PROBLEMS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no address": ({"server": ""}, TOKEN, "its server is no http:// or https:// address"),
    "no URL": ({"server": "api.edge.example:6443"}, TOKEN, "its server is no http:// or https:// address"),
    "password in the URL": ({"server": "https://me:canary@api.edge.example"}, TOKEN, "its server is no"),
    "tls-server-name": ({"tls-server-name": "kubernetes"}, TOKEN, "against another name (tls-server-name)"),
    "proxy": ({"proxy-url": "socks5://proxy.example"}, TOKEN, "through a proxy (proxy-url)"),
    "authority that is none": ({"certificate-authority-data": encoded("hello")}, TOKEN, "is no PEM certificate"),
    "authority with a key": ({"certificate-authority-data": encoded(CA + KEY)}, TOKEN, "holds a private key"),
    "authority that is no base64": ({"certificate-authority-data": "%%%"}, TOKEN, "is no base64"),
    "authority that is not there": ({"certificate-authority": "nowhere.crt"}, TOKEN, "nowhere.crt cannot be read"),
    "authority without end": ({"certificate-authority": "/dev/zero"}, TOKEN, "/dev/zero is no plain file"),
    "authority in a directory": ({"certificate-authority": "pki"}, TOKEN, "pki is no plain file"),
    "authority with a zero byte": ({"certificate-authority": "a\0b"}, TOKEN, "no name of a file"),
    "token file that is not there": ({}, {"tokenFile": "nowhere"}, "nowhere cannot be read"),
    "certificate without key": ({}, {"client-certificate": "pki/client.crt"}, "not both there"),
    "key without certificate": ({}, {"client-key-data": encoded(KEY)}, "not both there"),
    "password without user": ({}, {"password": "canary-word"}, "neither token, nor user name"),
    "nothing": ({}, {}, "neither token, nor user name"),
    "empty token": ({}, {"token": ""}, "neither token, nor user name"),
    "somebody else": ({}, {**TOKEN, "as": "admin"}, "acts as another user"),
    "auth provider": ({}, {"auth-provider": {"name": "gcp", "config": {"cmd-path": "sh"}}}, "(auth-provider)"),
}


@pytest.mark.parametrize("fault", PROBLEMS)
def test_what_cannot_be_honoured_is_refused_in_words(fault: str, files: Path) -> None:
    cluster, user, said = PROBLEMS[fault]
    found = read(files, cluster, user)
    assert said in found.problem
    assert found.credential is None
    # What is wrong with the user alone leaves the address usable with another credential.
    assert (found.endpoint is None) == bool(cluster)
    assert "canary" not in repr(found)


def test_a_pipe_is_not_waited_for(files: Path) -> None:
    os.mkfifo(files / "pipe")
    assert "pipe is no plain file" in read(files, {}, {"tokenFile": "pipe"}).problem
    (files / "huge").write_bytes(b"x" * (2**20 + 1))
    assert "larger than 1 MiB" in read(files, {}, {"tokenFile": "huge"}).problem


def test_programs_are_never_run(files: Path) -> None:
    marker = files / "it-ran"
    program = files / "plugin"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    # The context's name is quoted in the commands that are proposed: pasting them runs nothing else.
    name = f"edge'; touch {marker}; '"
    found = read(files, {}, {"exec": plugin}, name)
    assert "programs that a kubeconfig names are never run" in found.problem
    # Nobody else on the machine may read the token's file.
    [command] = [each for each in found.commands if "create token fleetscope" in each]
    assert command.startswith("(umask 077; kubectl ")
    for command in found.commands:
        subprocess.run(["sh", "-c", f"kubectl() {{ :; }}; {command}"], cwd=files, check=True)
    assert not marker.exists()
    beside = read(files, {}, {"exec": plugin, "token": "t"})
    assert beside.credential is not None and any("was not run" in note for note in beside.notes)
    assert not marker.exists()
    program.chmod(0o644)


def test_contexts_without_their_parts_and_several_of_them(files: Path) -> None:
    text = yaml.safe_dump(document({}, TOKEN))
    config = yaml.safe_load(text)
    config["contexts"] += [
        {"name": "no-cluster", "context": {"cluster": "x", "user": "u"}},
        {"name": "no-user", "context": {"cluster": "c", "user": "x"}},
        {"name": "nothing", "context": None},
    ]
    config["extensions"] = [{"name": "anything", "extension": {"a": [1, {"b": None}]}}]
    found = read_kubeconfig(yaml.safe_dump(config), files, "kubeconfig")
    assert found.current == "edge"
    assert {each.name: each.problem for each in found.contexts} == {
        "edge": "",
        "no-cluster": "the cluster that it names is not in the file",
        "no-user": "the user that it names is not in the file",
        "nothing": "the cluster that it names is not in the file",
    }
    empty = read_kubeconfig("apiVersion: v1\nkind: Config\nclusters: null\nusers: null\ncontexts: null\n", files, "k")
    assert empty.contexts == []


HOSTILE = {
    "objects": ("users: !!python/object/apply:os.system ['touch it-ran']", "is not YAML"),
    "nested lists": ("[" * 300_000, "nested too deeply"),
    "nested mappings": ("{a: " * 100_000, "nested too deeply"),
    "nested entries": ("- " * 300_000, "nested too deeply"),
    "laughs": (
        "a: &a [x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 200)}]\n" for n in range(9)),
        "repeats itself too often",
    ),
    "merged laughs": (
        "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10)),
        "repeats itself too often",
    ),
    "itself": ("clusters: &a [*a]", "repeats itself too often"),
    "huge": ("# " + "x" * LARGEST_CHARACTERS, "larger than 16 MiB"),
    "no date": ("current-context: 2001-99-99", "is not YAML"),
    "no truth": ("current-context: !!bool canary", "is not YAML"),
    "no time": ("current-context: !!timestamp canary", "is not YAML"),
    "secret that is a tag": ("users: [{name: u, user: {password: !canary }}]", "not YAML of plain data in line 1"),
    "no text": ("\x00\x01\x02", "is not YAML"),
    "a list": ("- a", "no kubeconfig"),
    "a word": ("hello", "no kubeconfig"),
    "empty": ("", "no kubeconfig"),
    "token that is a mapping": ("users: [{name: u, user: {token: {canary: 1}}}]", "no kubeconfig: users.0.user.token"),
    "clusters that are text": ("clusters: canary", "no kubeconfig: clusters"),
    "cut in a secret": ("users:\n- name: u\n  user: {token: 'canary", "is not YAML"),
    "one name twice": ("users: [{name: u, user: {}}, {name: u, user: {}}]", "users: two entries have the same name"),
}


@pytest.mark.parametrize("document", HOSTILE)
def test_hostile_files_are_refused_without_their_text(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text, said = HOSTILE[document]
    with pytest.raises(UsageError) as refused:
        read_kubeconfig(text, tmp_path, "kubeconfig")
    assert said in str(refused.value)
    assert "canary" not in str(refused.value)
    assert len(str(refused.value)) < 300
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("edge-1", "edge-1"),
        ("default/api-ocp-example-com:6443/kube:admin", "default-api-ocp-example-com-6443-kube-admin"),
        ("arn:aws:eks:eu-west-1:123456789012:cluster/Shop_EU", "arn-aws-eks-eu-west-1-123456789012-cluster-shop-eu"),
        ("kind-Ärger", "kind-rger"),
        ("../../etc", "etc"),
        ("-.-", ""),
        ("a" * 62 + "-b", "a" * 62),
    ],
)
def test_valid_names_from_any_name(name: str, expected: str) -> None:
    assert cluster_name_of(name) == expected
