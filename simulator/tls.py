"""Certificates for loopback: an authority and a server certificate signed by it, or one signed by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=365)


def ensure_certificates(directory: Path) -> None:
    """Writes ``ca.pem``, ``server.pem`` and ``server.key`` unless they are there and stay valid for a day more."""
    if _still_good(directory):
        return
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("fleet simulator CA", authority_key, None, authority_key, authority=True)
    server_key = ec.generate_private_key(ec.SECP256R1())
    server = _certificate("localhost", server_key, authority.subject, authority_key, authority=False)
    _write_key(directory / "server.key", server_key)
    (directory / "server.pem").write_bytes(_pem(server))
    (directory / "ca.pem").write_bytes(_pem(authority))


def write_self_signed(directory: Path) -> None:
    """Writes ``self-signed.pem`` and ``self-signed.key``, a server certificate that no authority vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    _write_key(directory / "self-signed.key", key)
    certificate = _certificate("localhost", key, None, key, authority=False)
    (directory / "self-signed.pem").write_bytes(_pem(certificate))


def _still_good(directory: Path) -> bool:
    try:
        certificates = [x509.load_pem_x509_certificate((directory / name).read_bytes()) for name in _CERTIFICATES]
    except (OSError, ValueError):
        return False
    limit = datetime.now(UTC) + timedelta(days=1)
    return (directory / "server.key").exists() and all(each.not_valid_after_utc > limit for each in certificates)


_CERTIFICATES = ("ca.pem", "server.pem")


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None,
    signing_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
        .add_extension(_usage(authority), critical=True)
    )
    if not authority:
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(server, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _usage(authority: bool) -> x509.KeyUsage:
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
