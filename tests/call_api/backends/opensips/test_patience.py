from call_api.backends.opensips.patience import Patience


def test_a_phone_has_longer_to_call_than_the_proxy_waits_for_its_answer_to_a_refer() -> None:
    fr_timeout = 30.0  # of tm, by default

    assert Patience().refer_within > fr_timeout
