"""The back ends that the contract suite runs on."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tests.contract.embedded_lab import embedded_lab
from tests.contract.lab import Lab
from tests.contract.opensips_lab import opensips_lab

LABS: dict[str, Callable[[], AbstractAsyncContextManager[Lab]]] = {
    "embedded": embedded_lab,
    "opensips": opensips_lab,
}
