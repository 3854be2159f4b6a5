"""One target under libFuzzer: `python -m tests.fuzz.engine TARGET [libFuzzer's arguments]`."""

import logging
import sys

import atheris


def main() -> None:
    name = sys.argv.pop(1)
    atheris.enabled_hooks.add("str")
    with atheris.instrument_imports(include=["call_api", "call_api_client"]):
        from tests.fuzz.targets import TARGETS
    logging.disable()
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
