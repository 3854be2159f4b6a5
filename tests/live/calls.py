"""Calls that a test needs before it begins."""

import asyncio

from tests.live.client import Client
from tests.live.makes import AnyPhone


async def start(client: Client, caller: AnyPhone, callee: AnyPhone) -> str:
    """Have the daemon join two phones; return the Call-ID that commands take."""
    frames = await client.run("CallStart", {"caller": caller.uri, "callee": callee.uri})
    ended = frames[-1]["params"]
    names = [frame["params"]["event"] for frame in frames]
    assert "Error" not in names, frames
    member = "details" if client.dialect == "v1" else "data"
    callid: str = next(
        frame["params"][member]["callid"]
        for frame in frames
        if frame["params"]["event"] == "TransferStart"
    )
    assert client.dialect == "v2" or ended["details"] == {"callid": callid}
    await caller.in_call()
    await callee.in_call()
    return callid


async def talk(*phones: AnyPhone) -> None:
    """Hear audio arrive at every one of these phones."""
    async with asyncio.TaskGroup() as group:
        for phone in phones:
            group.create_task(phone.hears(), name=f"{phone.name} listens")


async def keep_silent(*phones: AnyPhone) -> None:
    """See that audio arrives at none of these phones."""
    async with asyncio.TaskGroup() as group:
        for phone in phones:
            group.create_task(phone.hears_nothing(), name=f"{phone.name} listens")
