"""The version of the distribution, as in pyproject.toml (a test holds them together).

Asking the installed metadata for it would cost every ``--version`` 30 ms.
"""

VERSION = "0.1.0"
