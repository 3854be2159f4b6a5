import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from call_api.config_access import Tls
from call_api.transports.tls import ClientTls, client_context, server_context
from tests.fakes.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path)


def test_without_a_certificate_there_is_no_tls() -> None:
    assert server_context(Tls()) is None


def test_only_what_is_safe_is_spoken(authority: Authority) -> None:
    context = server_context(Tls(certificate=str(authority.certify())))

    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.verify_mode is ssl.CERT_NONE


def test_certificate_and_key_may_be_two_files(authority: Authority, tmp_path: Path) -> None:
    both = authority.certify().read_text()
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    at = both.index("-----BEGIN CERTIFICATE")
    key.write_text(both[:at])
    chain.write_text(both[at:])

    assert server_context(Tls(certificate=str(chain), key=str(key)))


def test_clients_can_be_asked_for_a_certificate(authority: Authority) -> None:
    tls = Tls(certificate=str(authority.certify()), client_ca=str(authority.file))
    context = server_context(tls)

    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_what_is_wrong_with_the_files_is_said_with_the_key(
    authority: Authority, tmp_path: Path
) -> None:
    good, other = str(authority.certify()), Authority.make(tmp_path / "other").certify()
    empty, locked = tmp_path / "empty.pem", tmp_path / "locked.pem"
    empty.write_text("")
    key = load_pem_private_key(Path(good).read_bytes(), None)
    locked.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw"))
    )
    certificate = "ws_server.tls.certificate: expected PEM files with a certificate and its key, "
    wrong = [
        (Tls(certificate=str(tmp_path / "no.pem")), f"{certificate}which has no password: No such"),
        (Tls(certificate=str(empty)), certificate),
        (Tls(certificate=good, key=str(other)), f"{certificate}which has no password: key values"),
        (Tls(certificate=good, key=str(locked)), certificate),
        (Tls(certificate=good, key="a\0b"), certificate),
        (Tls(certificate=good, client_ca=str(empty)), "ws_server.tls.client_ca: expected a PEM"),
        (Tls(certificate=good, client_ca="/no"), "ws_server.tls.client_ca: expected a PEM file"),
    ]
    for tls, problem in wrong:
        with pytest.raises(ValueError, match="expected") as caught:
            server_context(tls)
        assert str(caught.value).startswith(problem)


def test_a_client_trusts_whom_it_is_told_to(authority: Authority) -> None:
    context = client_context(ClientTls(ca_file=str(authority.file)))

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1
    own = str(authority.certify("client"))
    client_context(ClientTls(ca_file=str(authority.file), certificate=own))


def test_a_file_that_a_client_cannot_use_is_named(authority: Authority, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    wrong = [
        (ClientTls(ca_file="/no.pem"), "/no.pem: No such file or directory"),
        (ClientTls(ca_file=str(empty)), f"{empty}: "),
        (ClientTls(certificate=str(empty)), f"{empty}: "),
        (ClientTls(certificate=str(authority.certify()), key="/no"), str(tmp_path)),
    ]
    for tls, problem in wrong:
        with pytest.raises(ValueError, match=": ") as caught:
            client_context(tls)
        assert str(caught.value).startswith(problem)
