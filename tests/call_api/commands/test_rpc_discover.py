from call_api.commands.rpc_discover import RpcDiscover
from call_api.openrpc import document
from tests.fakes.asking import FakeAsking


async def test_the_answer_is_the_openrpc_document() -> None:
    assert await RpcDiscover().answer(FakeAsking()) == document()
