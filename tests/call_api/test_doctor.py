import json

from call_api.config import Config
from call_api.doctor import Finding, as_json, as_text, examine, is_well

GOOD = Finding(proxy="pbx:8080", check="version", state="ok", told="OpenSIPS 4.1.0")
MEAGRE = Finding(
    proxy="pbx:8080", check="phones", state="warning", told="nobody", remedy="have them register"
)
BAD = Finding(proxy="other:8080", check="BYE", state="wrong", told="483", remedy="answer it")


async def test_the_embedded_back_end_has_no_proxy_to_examine() -> None:
    (finding,) = await examine(Config())

    assert (finding.state, finding.proxy) == ("ok", "")
    assert "no proxy" in finding.told


def test_a_warning_is_well_enough_and_a_fault_is_not() -> None:
    assert is_well([GOOD, MEAGRE])
    assert not is_well([GOOD, BAD])


def test_people_get_one_line_each_under_the_name_of_the_proxy() -> None:
    assert as_text([GOOD, MEAGRE, BAD]) == (
        "pbx:8080\n"
        "ok       version  OpenSIPS 4.1.0\n"
        "warning  phones   nobody: have them register\n"
        "other:8080\n"
        "wrong    BYE      483: answer it"
    )


def test_what_a_proxy_says_does_nothing_to_a_terminal() -> None:
    shown = as_text([Finding(check="version", state="warning", told="\x1b[31mred\n")])

    assert shown == "warning  version  \\x1b[31mred\\x0a"


def test_programs_get_one_object() -> None:
    assert json.loads(as_json([GOOD, BAD])) == {
        "ok": False,
        "checks": [
            {
                "proxy": "pbx:8080",
                "check": "version",
                "state": "ok",
                "told": "OpenSIPS 4.1.0",
                "remedy": "",
            },
            {
                "proxy": "other:8080",
                "check": "BYE",
                "state": "wrong",
                "told": "483",
                "remedy": "answer it",
            },
        ],
    }
