from call_api.backends.opensips.mi import MiError, Reply, Request, encode_request


def test_a_request_is_json_rpc() -> None:
    assert encode_request(Request("2.0", 7, "uptime", {})) == (
        b'{"jsonrpc":"2.0","id":7,"method":"uptime","params":{}}'
    )


def test_only_silence_is_no_answer() -> None:
    assert Reply(result="OK").is_answer
    assert Reply(error=MiError(404, "")).is_answer
    assert not Reply(silence="no answer").is_answer
