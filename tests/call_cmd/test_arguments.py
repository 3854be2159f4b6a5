import click
from click import Context
from click.testing import CliRunner

from call_cmd.arguments import callid_argument, cmd_id_argument, party_argument
from tests.fakes.scripted_daemon import CALLID, CMD_ID, ScriptedDaemon


@click.command()
@party_argument("who", metavar="A")
@callid_argument()
@cmd_id_argument(required=False)
def tool(who: str, callid: str, cmd_id: str | None) -> None:
    click.echo(f"{who} {callid} {cmd_id}")


def test_arguments_are_taken_as_they_stand() -> None:
    assert CliRunner().invoke(tool, ["alice", "1fc8"]).output == "alice 1fc8 None\n"


def test_each_is_completed_by_what_the_daemon_knows(daemon: ScriptedDaemon) -> None:
    who, callid, cmd_id = tool.params
    context = Context(tool)

    assert [item.value for item in who.shell_complete(context, "al")] == ["alice"]
    assert [item.value for item in callid.shell_complete(context, CALLID[:4])] == [CALLID]
    assert [item.value for item in cmd_id.shell_complete(context, "b8")] == [CMD_ID]
