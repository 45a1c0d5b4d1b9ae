"""An authority and certificates of its own, made on the spot."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class Authority:
    """Signs certificates; its own is in `file`."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self.file = directory / f"{name}.pem"
        self._directory = directory
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._write(self.file, self._sign(name, self._key.public_key(), is_authority=True))

    def issue(self, common_name: str, hours: float = 1) -> tuple[Path, Path]:
        """Write a certificate for 127.0.0.1 and its key; return both files."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate_file = self._directory / f"{common_name}.pem"
        key_file = self._directory / f"{common_name}.key"
        signed = self._sign(common_name, key.public_key(), is_authority=False, hours=hours)
        self._write(certificate_file, signed)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate_file, key_file

    def _sign(
        self,
        common_name: str,
        public_key: ec.EllipticCurvePublicKey,
        *,
        is_authority: bool,
        hours: float = 1,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(_name(self._name))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=2))
            .not_valid_after(now + timedelta(hours=hours))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([host]), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @staticmethod
    def _write(file: Path, certificate: x509.Certificate) -> None:
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
