"""A certificate authority for tests, and what it certifies."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """An authority; its files are in ``folder``."""

    folder: Path
    ca: trustme.CA

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        """Make one, with a key of its own."""
        folder.mkdir(exist_ok=True)
        return cls(folder, trustme.CA())

    @property
    def file(self) -> Path:
        """What whoever trusts it reads."""
        path = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(path)
        return path

    def certify(self, name: str = "server") -> Path:
        """Return a PEM file with a certificate for this machine, its chain and its key."""
        issued = self.ca.issue_cert("localhost", "127.0.0.1", common_name=name)
        path = self.folder / f"{name}.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def trusting(self, certificate: Path | None = None) -> ssl.SSLContext:
        """Return what a client needs that trusts it; with a certificate of its own if given."""
        context = ssl.create_default_context(cafile=str(self.file))
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context
