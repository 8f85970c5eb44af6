"""The keyring's file, and what opens a sealed value and what does not."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from fleet.errors import StoreError
from storage.credentials.sealing import Keyring, key_of, read_keyring
from tests.showing import shown

VALUE = "canary-value-80d1"
CLUSTER, OTHER = "0123456789ab", "ba9876543210"
KEY = base64.b64encode(bytes(range(32))).decode()


def keyring(tmp_path: Path, *lines: str, mode: int = 0o600) -> Path:
    file = tmp_path / "keyring"
    file.write_text("\n".join(lines) + "\n", encoding="ascii")
    file.chmod(mode)
    return file


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keyring", {"new": os.urandom(32), "old": os.urandom(32)})


def test_a_value_opens_only_for_its_cluster_and_as_its_field(keys: Keyring) -> None:
    sealed = keys.seal(VALUE, CLUSTER, "token")
    assert keys.open(sealed, CLUSTER, "token", "the Secret") == VALUE
    assert key_of(sealed) == "new"
    assert VALUE.encode() not in sealed
    with pytest.raises(StoreError, match="was sealed for another cluster, whose id is 0123456789ab"):
        keys.open(sealed, OTHER, "token", "the Secret")
    renamed = sealed.replace(CLUSTER.encode(), OTHER.encode())
    for changed, cluster, name in [(sealed, CLUSTER, "password"), (renamed, OTHER, "token")]:
        with pytest.raises(StoreError, match="was changed after it was sealed"):
            keys.open(changed, cluster, name, "the Secret")


def test_no_two_seals_are_alike(keys: Keyring) -> None:
    assert len({keys.seal(VALUE, CLUSTER, "token") for _ in range(100)}) == 100


def test_every_changed_byte_is_noticed(keys: Keyring) -> None:
    head, _, body = keys.seal(VALUE, CLUSTER, "token").rpartition(b":")
    content = base64.b64decode(body)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(StoreError, match="was changed after it was sealed") as noticed:
            keys.open(head + b":" + base64.b64encode(bytes(changed)), CLUSTER, "token", "the Secret")
        assert VALUE not in shown(noticed.value)


@pytest.mark.parametrize("cut", [b"", b"AAAA", b"AA", b"A=A="])
def test_what_is_cut_is_noticed(keys: Keyring, cut: bytes) -> None:
    head, _, _ = keys.seal(VALUE, CLUSTER, "token").rpartition(b":")
    with pytest.raises(StoreError, match=r"was changed after it was sealed|is not sealed"):
        keys.open(head + b":" + cut, CLUSTER, "token", "the Secret")


@pytest.mark.parametrize("plain", [VALUE.encode(), b"", b"\xff\xfe", b"fleetscope:2:new:0123456789ab:AAAA"])
def test_what_was_never_sealed_is_not_taken_for_a_secret(keys: Keyring, plain: bytes) -> None:
    with pytest.raises(StoreError, match="is not sealed as fleetscope does it") as refused:
        keys.open(plain, CLUSTER, "token", "the Secret")
    assert VALUE not in shown(refused.value)


def test_a_further_key_opens_and_only_the_first_seals(keys: Keyring) -> None:
    old = Keyring(keys.file, {"old": keys.keys["old"]})
    sealed = old.seal(VALUE, CLUSTER, "token")
    assert keys.open(sealed, CLUSTER, "token", "the Secret") == VALUE
    assert key_of(keys.seal(VALUE, CLUSTER, "token")) == "new"
    with pytest.raises(StoreError, match="is sealed by the key new, which is not in the keyring") as unknown:
        old.open(keys.seal(VALUE, CLUSTER, "token"), CLUSTER, "token", "the Secret")
    assert str(keys.file) in unknown.value.message
    assert "Put that key back" in unknown.value.hint
    exchanged = Keyring(keys.file, {"old": keys.keys["new"]})
    with pytest.raises(StoreError, match="is another one than it was"):
        exchanged.open(sealed, CLUSTER, "token", "the Secret")


def test_a_keyrings_first_key_seals(tmp_path: Path) -> None:
    file = keyring(tmp_path, "# keys of the lab", "", f"2026-11 {KEY}  # since November", f"2026-05\t{KEY}")
    ring = read_keyring(file)
    assert ring.sealing_key == "2026-11"
    assert list(ring.keys) == ["2026-11", "2026-05"]
    assert KEY not in repr(ring)
    assert str(bytes(range(32))) not in repr(ring)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o660, 0o644])
def test_a_keyring_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = keyring(tmp_path, f"k {KEY}", mode=mode)
    with pytest.raises(StoreError, match=f"mode {mode:04o}") as refused:
        read_keyring(file)
    assert f"chmod 600 {file}" in refused.value.hint


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_keyring_may_be_read_by_a_pods_group(tmp_path: Path, mode: int) -> None:
    assert read_keyring(keyring(tmp_path, f"k {KEY}", mode=mode)).sealing_key == "k"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "holds no key"),
        (KEY, "line 1 is not a key's id"),
        (f"two words {KEY}", "line 1 is not a key's id"),
        (f"a:b {KEY}", "line 1 is not a key's id"),
        ("k AAAA", "the key k is not 32 bytes"),
        (f"k !{KEY}", "the key k is not 32 bytes"),
        (f"k {KEY}\nk {KEY}", "line 2: the key k is there twice"),
    ],
)
def test_a_wrong_line_of_a_keyring_is_named_without_its_key(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as wrong:
        read_keyring(keyring(tmp_path, line))
    assert KEY not in shown(wrong.value)


def test_a_keyring_that_cannot_be_read_is_named_without_what_it_holds(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"k " + KEY.encode() + b"\xff")
    for file in (binary, tmp_path / "nowhere"):
        with pytest.raises(StoreError, match="cannot be read") as failure:
            read_keyring(file)
        assert str(file) in failure.value.message
        assert KEY not in shown(failure.value)
