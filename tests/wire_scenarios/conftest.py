"""What holds for the recorded scenarios."""

import pytest

pytest.register_assert_rewrite("tests.wire_scenarios.scene")
