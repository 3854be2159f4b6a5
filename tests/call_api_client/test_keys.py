from pathlib import Path

import pytest

from call_api.config_access import Client
from call_api.transports.tls import ClientTls
from call_api_client.keys import Keys, read_keys
from call_api_client.target import BadCommandLine, Target


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def test_without_anything_there_is_no_token() -> None:
    assert read_keys(Target(), Client()) == Keys(None, ClientTls())


def test_a_token_comes_from_the_command_line_or_from_the_settings(file: Path) -> None:
    file.write_text("callapi_x\n")

    assert read_keys(Target(token_file=file), Client(token="y")).token == "callapi_x"
    assert read_keys(Target(), Client(token_file=str(file))).token == "callapi_x"
    assert read_keys(Target(), Client(token="y")).token == "y"


def test_whom_to_trust_comes_from_the_command_line_or_from_the_settings() -> None:
    settings = Client(ca_file="a.pem", certificate="c.pem", key="k.pem")

    assert read_keys(Target(), settings).tls == ClientTls(
        ca_file="a.pem", certificate="c.pem", key="k.pem"
    )
    named = read_keys(Target(ca_file=Path("b.pem")), settings).tls
    assert named is not None
    assert named.ca_file == "b.pem"


@pytest.mark.parametrize("text", [b"", b"two words", b"\xff", b"x" * 10_000, b"a\nb", b'"x"'])
def test_what_is_no_token_is_not_shown(file: Path, text: bytes) -> None:
    file.write_bytes(text)

    with pytest.raises(BadCommandLine) as caught:
        read_keys(Target(token_file=file), Client())

    assert caught.value.message == f"the token file {file} holds no token: one word is expected"


@pytest.mark.parametrize("path", ["/no/such/file", "/", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(path: str) -> None:
    with pytest.raises(BadCommandLine, match="cannot be read"):
        read_keys(Target(token_file=Path(path)), Client())


def test_a_token_is_in_no_repr() -> None:
    assert "secret" not in repr(Keys("secret"))
