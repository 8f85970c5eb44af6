"""Certificates for loopback: an authority and a server certificate signed by it, and faulty ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulator.options import BrokenMode

_VALID = timedelta(days=365)
_LOOPBACK = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])


def ensure_certificates(directory: Path) -> None:
    """Writes ``ca.pem``, ``ca.key``, ``server.pem`` and ``server.key`` unless they stay valid for a day more."""
    if _still_good(directory):
        return
    now = datetime.now(UTC)
    authority = _authority("fleet simulator CA")
    _write_key(directory / "ca.key", authority.key)
    server_key = ec.generate_private_key(ec.SECP256R1())
    server = _certificate("localhost", server_key, authority, names=_LOOPBACK, end=now + _VALID)
    _write_key(directory / "server.key", server_key)
    (directory / "server.pem").write_bytes(_pem(server))
    (directory / "ca.pem").write_bytes(_pem(authority.certificate))


def write_faulty_certificate(directory: Path, fault: BrokenMode) -> None:
    """Writes ``<fault>.pem`` and ``<fault>.key``, a server certificate that clients that trust ``ca.pem`` refuse.

    Args:
        directory: where ``ca.pem`` and ``ca.key`` lie.
        fault: one of ``CERTIFICATE_FAULTS``.
    """
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    authority, names, end = _read_authority(directory), _LOOPBACK, now + _VALID
    if fault is BrokenMode.EXPIRED_CERTIFICATE:
        end = now - timedelta(days=1)
    elif fault is BrokenMode.WRONG_NAME:
        names = x509.SubjectAlternativeName([x509.DNSName("other.example.net")])
    elif fault is BrokenMode.UNKNOWN_CA:
        authority = _authority("another CA")
    issuer = None if fault is BrokenMode.SELF_SIGNED else authority
    certificate = _certificate("localhost", key, issuer, names=names, end=end)
    _write_key(directory / f"{fault}.key", key)
    (directory / f"{fault}.pem").write_bytes(_pem(certificate))


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _authority(name: str) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return _Authority(_certificate(name, key, None, names=None, end=datetime.now(UTC) + _VALID), key)


def _read_authority(directory: Path) -> _Authority:
    key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("ca.key is not a key of this simulator")
    return _Authority(x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes()), key)


def _still_good(directory: Path) -> bool:
    try:
        certificates = [x509.load_pem_x509_certificate((directory / name).read_bytes()) for name in _CERTIFICATES]
    except (OSError, ValueError):
        return False
    limit = datetime.now(UTC) + timedelta(days=1)
    keys = all((directory / name).exists() for name in ("server.key", "ca.key"))
    return keys and all(each.not_valid_after_utc > limit for each in certificates)


_CERTIFICATES = ("ca.pem", "server.pem")


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: _Authority | None,
    *,
    names: x509.SubjectAlternativeName | None,
    end: datetime,
) -> x509.Certificate:
    """A certificate that an issuer signs, or itself; without names it is that of an authority."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing_key = key if issuer is None else issuer.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(datetime.now(UTC), end) - timedelta(hours=1))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
        .add_extension(_usage(authority=names is None), critical=True)
    )
    if names is not None:
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(server, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    data = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(path, data)


def write_secret(path: Path, data: bytes) -> None:
    """Writes a file that only its owner reads (mode 0600), whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_bytes(data)
    part.replace(path)
