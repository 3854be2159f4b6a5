from bench.watch import Done, Watch

STARTED = b'{"jsonrpc":"2.0","id":1,"result":{"cmd_id":"c","status":"Started","event":"Started"}}'


def told(seq: int, event: str, data: str = "") -> bytes:
    more = f',"data":{data}' if data else ""
    return (
        '{"jsonrpc":"2.0","method":"CallStart","params":'
        f'{{"cmd_id":"c","seq":{seq},"event":"{event}"{more}}}}}'
    ).encode()


def watch_of(*texts: bytes) -> tuple[dict[str, int], list[Done]]:
    watch = Watch()
    watch.ask(1, "alice", now=10.0)
    done = [watch.receive(text, now=10.5) for text in texts]
    return dict(watch.faults), [each for each in done if each]


def test_a_command_that_goes_well_has_no_faults() -> None:
    step = told(1, "TransferStart", '{"callid":"x@y","caller":"sip:a@b"}')

    assert watch_of(STARTED, step, told(2, "Ended")) == ({}, [Done("alice", 0.5, "x@y", 2)])


def test_a_notification_before_the_answer_is_a_fault() -> None:
    assert watch_of(told(1, "CallerAnswered"), STARTED, told(1, "Ended"))[0] == {"stranger": 1}


def test_a_second_end_is_a_fault() -> None:
    assert watch_of(STARTED, told(1, "Ended"), told(2, "Ended"))[0] == {"stranger": 1}


def test_a_number_left_out_or_told_twice_is_a_fault() -> None:
    assert watch_of(STARTED, told(2, "Ended"))[0] == {"gap": 1}
    assert watch_of(STARTED, told(1, "CallHolding"), told(1, "Ended"))[0] == {"gap": 1}


def test_a_failure_is_a_fault_and_so_is_anything_but_the_end_after_it() -> None:
    error = told(1, "Error", '"486 Busy Here"')

    assert watch_of(STARTED, error, told(2, "Ended"))[0] == {"errored": 1}
    assert watch_of(STARTED, error, told(2, "Error", '"x"'), told(3, "Ended"))[0] == {
        "errored": 1,
        "gap": 1,
    }


def test_a_refusal_ends_the_command_as_a_fault() -> None:
    refusal = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"too many requests"}}'

    assert watch_of(refusal) == ({"refused": 1}, [Done("alice", 0.5, None)])


def test_what_cannot_be_read_is_a_fault() -> None:
    assert watch_of(b"{", b'{"id":7,"result":{}}')[0] == {"garbled": 1, "stranger": 1}


def test_what_never_ends_stays_in_flight() -> None:
    watch = Watch()
    watch.ask(1, "alice", now=0.0)
    watch.ask(2, "bob", now=0.0)
    watch.receive(STARTED, now=0.1)

    assert watch.in_flight == 2
