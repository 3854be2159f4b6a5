import click
import pytest
from click.testing import CliRunner, Result

from call_api.options import Command, Group, option, version_option


@click.group(cls=Group)
@version_option("1.2.3")
def tool() -> None:
    """Do things."""


@tool.command()
@option("--method", required=True, help="What to send.")
@option("--json", "as_json", is_flag=True, help="Print JSON.")
@option("--url", expose_value=False, section="Connection", help="Where to.")
@click.argument("words", nargs=-1)
def send(method: str, as_json: bool, words: tuple[str, ...]) -> None:
    """Send something."""
    click.echo(f"{method} {as_json} {' '.join(words)}")


def run(*args: str) -> Result:
    return CliRunner().invoke(tool, args, prog_name="tool")


@pytest.mark.parametrize("spelling", [["--method", "Echo"], ["-method", "Echo"], ["-method=Echo"]])
def test_an_option_is_taken_with_one_dash_and_with_two(spelling: list[str]) -> None:
    result = run("send", *spelling, "-json", "a=1")

    assert (result.exit_code, result.output) == (0, "Echo True a=1\n")


def test_a_value_may_look_like_an_option() -> None:
    assert run("send", "-method", "-").output == "- False \n"


@pytest.mark.parametrize("spelling", ["-h", "-help", "--help"])
@pytest.mark.parametrize("command", [[], ["send"]])
def test_help_is_found_under_every_spelling_and_shows_each_option_once(
    command: list[str], spelling: str
) -> None:
    result = run(*command, spelling)

    assert result.exit_code == 0
    assert "-h, --help" in result.output
    assert " -help" not in result.output
    assert " -method" not in result.output


def test_help_has_options_under_their_headings_and_the_commands_of_a_group_before_them() -> None:
    of_send, of_group = run("send", "--help").output, run("--help").output

    assert "Connection:\n  --url TEXT  Where to." in of_send
    assert of_send.index("Options:") < of_send.index("--method") < of_send.index("Connection:")
    assert of_group.index("Commands:") < of_group.index("Options:")


@pytest.mark.parametrize("spelling", ["-version", "--version"])
def test_the_version_is_one_line(spelling: str) -> None:
    assert run(spelling).output == "tool 1.2.3\n"


@pytest.mark.parametrize(
    ("typed", "meant"), [("-metod", "-method"), ("--metod", "--method"), ("-metod=Echo", "-method")]
)
def test_a_mistyped_option_is_named_whole_with_the_one_that_was_meant(
    typed: str, meant: str
) -> None:
    result = run("send", typed, "Echo")

    assert result.exit_code == 2
    assert f"No such option '{typed.partition('=')[0]}'. Did you mean '{meant}'?" in result.output


def test_a_mistyped_option_of_the_group_is_named_whole_as_well() -> None:
    assert "No such option '-versoin'. Did you mean '-version'?" in run("-versoin").output


def test_an_option_that_is_missing_is_named_once() -> None:
    result = run("send")

    assert result.exit_code == 2
    assert "Missing option '--method'." in result.output


def test_commands_of_a_group_have_the_same_manners() -> None:
    assert isinstance(tool.commands["send"], Command)


@tool.command()
@click.argument("ending")
def end(ending: str) -> int:
    """End in some way."""
    if ending == "interrupted":
        raise KeyboardInterrupt
    if ending == "refused":
        raise click.ClickException("no")
    if ending == "unread":
        raise BrokenPipeError
    if ending == "full":
        raise OSError(28, "No space left on device")
    return int(ending)


@pytest.mark.parametrize(
    ("ending", "status"),
    [("0", 0), ("3", 3), ("interrupted", 130), ("refused", 1), ("unread", 141), ("full", 1)],
)
def test_the_exit_status_is_what_the_command_returns(ending: str, status: int) -> None:
    assert run("end", ending).exit_code == status


@pytest.mark.parametrize(("failure", "status"), [(BrokenPipeError(), 141), (OSError(28, ""), 1)])
@pytest.mark.parametrize("args", [["--say"], ["send", "--say"]])
def test_an_option_that_prints_ends_in_the_same_way(
    args: list[str], failure: OSError, status: int
) -> None:
    def say(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            raise failure

    say_option = option("--say", is_flag=True, is_eager=True, expose_value=False, callback=say)

    @click.group(cls=Group)
    @say_option
    def talker() -> None:
        """Say things."""

    talker.command("send")(say_option(lambda: None))

    assert CliRunner().invoke(talker, args, prog_name="talker").exit_code == status


def test_a_caller_can_have_what_the_command_returns() -> None:
    assert tool.main(["end", "3"], prog_name="tool", standalone_mode=False) == 3
    with pytest.raises(click.ClickException, match="no"):
        tool.main(["end", "refused"], prog_name="tool", standalone_mode=False)


def test_a_complaint_is_one_line_led_by_the_program() -> None:
    assert run("end", "full").stderr == "tool: [Errno 28] No space left on device\n"
