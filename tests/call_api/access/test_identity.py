from math import inf

from call_api.access.identity import ANYBODY
from call_api.access.scopes import METHODS


def test_where_no_token_is_wanted_everything_is_allowed_for_ever() -> None:
    assert ANYBODY.name == ""
    assert ANYBODY.scopes.methods == ANYBODY.scopes.of_all == METHODS
    assert ANYBODY.callers is None
    assert ANYBODY.callees is None
    assert ANYBODY.expires == inf
