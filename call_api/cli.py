"""call-api: the daemon's command line."""

import contextlib
import errno
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from call_api.options import Decorated, Group, let_go_of_stdout, option, version_option
from call_api.token_cli import token
from call_api.version import VERSION

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from call_api.config import Config
    from call_api.daemon import CannotStart, Daemon, OpenBackend
    from call_api.logs import LogFile
    from call_api.settings import Settings

TOOL = "call-api"

logger = logging.getLogger(__name__)

HELP = """Run the Call API daemon.

It controls SIP calls for clients that talk JSON-RPC 2.0 to it over WebSocket. Its settings are
those of call-api.yml, if there is one; without any it is a SIP registrar and back-to-back user
agent on loopback. It prints one line that starts with "ready" and holds its real addresses.

\b
SIGTERM and SIGINT stop it, in time for running commands to end; a second one
stops it at once. SIGHUP opens the log files anew, and reads tokens, limits and
certificates again.

\b
Exit status: 0 stopped, 1 it cannot start, 2 usage or a wrong setting.
"""

DOCTOR = """Examine the SIP proxy: what it is, and what it lacks.

It asks each proxy of mi.url what it knows, and tries out what CallStart and transfers need. Nothing
rings, and a daemon may run meanwhile.

\b
Exit status: 0 all is well or good enough, 1 something is wrong, 2 usage or a wrong setting.
"""


class CannotRun(click.ClickException):
    """The daemon does not run, for want of something: one line on stderr, exit status 1."""

    def show(self, file: object = None) -> None:  # noqa: ARG002  (click's signature)
        """Print the line."""
        click.echo(f"{TOOL}: {self.message}", err=True)


class WrongSetting(CannotRun):
    """A setting is wrong: one line on stderr, exit status 2."""

    exit_code = 2


def config_option(command: Decorated) -> Decorated:
    """Add ``--config``."""
    add = option(
        "--config",
        "config_path",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Read these settings instead of those that are found.",
    )
    return add(command)


@click.group(cls=Group, help=HELP, invoke_without_command=True)
@config_option
@option("-v", "--verbose", is_flag=True, help="Log at level DEBUG, with the wire.")
@option("--demo", is_flag=True, help="Register three demo phones; say what to type.")
@option("--check", is_flag=True, help="Read the settings, say what would be done, and exit.")
@version_option(VERSION)
@click.pass_context
def call_api(
    ctx: click.Context, config_path: Path | None, verbose: bool, demo: bool, check: bool
) -> int:
    """Run the daemon, unless there is a subcommand."""
    ctx.obj = config_path
    if ctx.invoked_subcommand is not None:
        return 0
    return _serve(config_path, verbose=verbose, demo=demo, check=check)


@call_api.command("doctor", help=DOCTOR, short_help="Examine the SIP proxy.")
@config_option
@option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
@click.pass_obj
def doctor(before: Path | None, config_path: Path | None, as_json: bool) -> int:
    """Examine the SIP proxy."""
    import asyncio

    from call_api import doctor as practice
    from call_api.config import Config
    from call_api.settings import ConfigError, load

    try:
        settings = load(Config, config_path or before)
    except ConfigError as exc:
        raise WrongSetting(str(exc)) from exc
    try:
        findings = asyncio.run(practice.examine(settings.config))
    except ValueError as exc:
        raise WrongSetting(str(settings.late_error(exc))) from exc
    _say(practice.as_json(findings) if as_json else practice.as_text(findings))
    return 0 if practice.is_well(findings) else 1


call_api.add_command(token)


def main() -> None:
    """Run the program."""
    call_api.main(prog_name=TOOL)


def _serve(config_path: Path | None, *, verbose: bool, demo: bool, check: bool) -> int:
    from msgspec import structs

    from call_api.config import Config
    from call_api.settings import ConfigError, load

    try:
        settings = load(Config, config_path)
        open_backend = _open_backend(settings, demo=demo)
    except ConfigError as exc:
        raise WrongSetting(str(exc)) from exc
    config = settings.config
    if verbose:
        config = structs.replace(config, log=structs.replace(config.log, level="DEBUG"))
    if check:
        import asyncio

        from call_api.access.policy import check_exposure, read_policy
        from call_api.check import backend_problem, check_files, explain, listening_problems

        try:
            check_files(config)
            check_exposure(config)
            read_policy(config)
            unopened = asyncio.run(backend_problem(config))
        except ValueError as exc:
            raise WrongSetting(str(settings.late_error(exc))) from exc

        _say(explain(settings, config, demo=demo))
        problems = asyncio.run(listening_problems(config))
        for problem in problems:
            click.echo(f"{TOOL}: {problem}", err=True)
        if unopened is not None:
            click.echo(f"{TOOL}: events.url: {unopened.strerror}", err=True)
        # What is busy may be so by the daemon that is checked.
        is_busy = unopened is None or unopened.errno == errno.EADDRINUSE
        return 0 if is_busy and all(problem.is_busy for problem in problems) else 1
    return _run(settings, config, open_backend, demo=demo)


def _open_backend(settings: "Settings[Config]", *, demo: bool) -> "OpenBackend":
    """Return what opens the back end that the settings ask for.

    Raises:
        ConfigError: There is no such back end, or a demo needs another one.
    """
    from call_api.backends import BACKENDS

    config = settings.config
    name, key = config.backend_name, "backend" if config.backend else "mi.url"
    if name not in BACKENDS:
        there = ", ".join(sorted(BACKENDS))
        raise settings.error(key, f"one of {there} as back end, for there is no {name} here")
    if demo and name != "embedded":
        raise settings.error(key, "the back end embedded, for --demo brings its own phones")
    return BACKENDS[name]


def _run(
    settings: "Settings[Config]", config: "Config", open_backend: "OpenBackend", *, demo: bool
) -> int:
    import asyncio

    from call_api.daemon import BUILD, CannotStart, run

    log_file = _set_up_logging(settings, config)
    beside = None
    if demo:
        from call_api import demo as demo_room

        config, beside = demo_room.with_phones(config), demo_room.phones

    def say_ready(daemon: "Daemon") -> None:
        _spare_what_stays()
        what_to_type = f"\n\n{demo_room.what_to_type(daemon)}" if demo else ""
        _say(f"ready {' '.join(daemon.urls)}{what_to_type}")

    _allow_many_files()
    logger.info("%s %s, %s, back end %s", TOOL, VERSION, BUILD, config.backend_name)
    serve = run(
        config,
        open_backend,
        log_file=log_file,
        reread=settings.reread,
        beside=beside,
        on_ready=say_ready,
    )
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve)
    except CannotStart as exc:
        raise _failed(settings, exc, log_file) from exc
    except KeyboardInterrupt:  # before the signal handlers were there, or after
        return 130
    except Exception:
        logger.exception("failed")
        return 1
    return 0


def _set_up_logging(settings: "Settings[Config]", config: "Config") -> "LogFile | None":
    from call_api.logs import set_up

    try:
        return set_up(config.log)
    except OSError as exc:
        problem = settings.error("log.file_path", f"a file to append to: {exc.strerror}")
        raise WrongSetting(str(problem)) from exc


def _failed(
    settings: "Settings[Config]", exc: "CannotStart", log_file: "LogFile | None"
) -> CannotRun:
    if exc.key is None:
        failed = CannotRun(str(exc))
    else:
        failed = WrongSetting(str(settings.error(exc.key, str(exc))))
    if log_file is not None:  # it may be all that somebody looks at
        logger.error("%s", failed.message)
    return failed


def _say(text: str) -> None:
    """Print to stdout, at once, whoever reads it."""
    try:
        click.echo(text)
    except BrokenPipeError:
        let_go_of_stdout()


def _loop_factory() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """Return what makes uvloop's loop, if it is installed (the extra ``fast``)."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _spare_what_stays() -> None:
    """Have Python look for garbage among what is new, and seldom among what has lasted.

    Modules and settings stay for ever, kept commands for minutes: by its own rule the collector
    would walk through all of them whenever there is a quarter more, while everything stands. The
    hundreds of commands that run at once come and go within what is new, and are not looked at.
    """
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW, _YOUNG, _OLD)


_NEW, _YOUNG, _OLD = 50_000, 3, 20  # objects; collections of the generation before


def _allow_many_files() -> None:
    """Raise the limit of open files to what the system lets us: a client is a file."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
