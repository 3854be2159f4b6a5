import tomllib
from pathlib import Path

from call_api.version import VERSION


def test_the_version_is_that_of_the_distribution() -> None:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"

    project = tomllib.loads(pyproject.read_text())["project"]

    assert project["version"] == VERSION
