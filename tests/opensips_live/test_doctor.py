"""call-api doctor at a real proxy: what it says of a good one, and of each thing that lacks."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.live.conftest import fixture
from tests.live.phones import Phone
from tests.opensips_live.opensips import OpenSips
from tests.opensips_live.programs import Ran, run, settings

CALLOPS = 'loadmodule "callops.so"\nmodparam("callops", "mode", "param")\n'
FIRST_NOTIFY = '$rb =~ "^SIP/2.0 100"'
FOR_US = 'if (is_method("BYE") && $var(for_us) == 1)'
DIALOG = "if (!create_dialog())"
EVENTS = 'loadmodule "event_datagram.so"\n'

LACKS: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "callops": ({CALLOPS: ""}, "module callops", 'loadmodule "callops.so"'),
    "events": ({EVENTS: ""}, "subscription", 'loadmodule "event_datagram.so"'),
    "dialog": ({DIALOG: "if (0)"}, "own INVITEs", "create_dialog() for every INVITE"),
    "notify": ({FIRST_NOTIFY: '$rb =~ "^never"'}, "NOTIFY", "before loose_route(), answer 200"),
    "bye": ({FOR_US: "if (0)"}, "BYE", "answer it with 200"),
}
"""What is changed in the example -> the check that finds it, and the remedy."""


async def examined(proxy: OpenSips, *words: str) -> Ran:
    values = {"mi": {"url": proxy.mi_url}, "sip": {"uri": proxy.sip_uri}}
    return await run(
        "call-api", "doctor", "--config", settings(proxy.folder, "d.yml", values), *words
    )


async def test_the_example_with_phones_is_all_well(
    proxy: OpenSips, phones: dict[str, Phone]
) -> None:
    ran = await examined(proxy)

    assert (ran.status, ran.err) == (0, "")
    name, *lines = ran.out.splitlines()
    assert name == proxy.mi_url
    assert {line.split()[0] for line in lines} == {"ok"}, ran.out
    assert f"{len(phones)} registered users" in ran.out
    assert await proxy.calls() == []
    assert {one.endings == [] for one in [await phone.state() for phone in phones.values()]} == {
        True
    }


@fixture()
async def meagre(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[OpenSips]:
    """A proxy of the test's own that lacks something."""
    changes, _, _ = LACKS[request.param]
    proxy = OpenSips(folder, changes)
    try:
        await proxy.launch()
        yield proxy
    finally:
        await proxy.end()


@pytest.mark.parametrize("meagre", sorted(LACKS), indirect=True)
async def test_what_lacks_is_found_and_its_remedy_told(
    meagre: OpenSips, request: pytest.FixtureRequest
) -> None:
    _, check, remedy = LACKS[request.node.callspec.params["meagre"]]

    ran = await examined(meagre, "--json")

    assert ran.status == 1, ran.out
    told = json.loads(ran.out)
    assert told["ok"] is False
    wrong = {one["check"]: one["remedy"] for one in told["checks"] if one["state"] == "wrong"}
    assert remedy in wrong[check]


async def test_a_proxy_that_is_not_there(folder: Path) -> None:
    ran = await examined(OpenSips(folder))

    assert ran.status == 1
    assert "wrong" in ran.out
    assert "is mi.url right, and OpenSIPS up?" in ran.out or "is OpenSIPS up" in ran.out
