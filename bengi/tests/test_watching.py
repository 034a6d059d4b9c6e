"""Who watches what, told by the processes that have sockets."""

from bengi.realtime.watching import KEPT_S, Elsewhere


def test_what_another_process_tells_holds_for_a_while() -> None:
    timer = [100.0]
    elsewhere = Elsewhere(lambda: timer[0])
    elsewhere.hear(["AAPL", "KO"])
    timer[0] += KEPT_S - 1
    elsewhere.hear(["KO"])
    assert elsewhere.symbols() == {"AAPL", "KO"}
    timer[0] += 1
    assert elsewhere.symbols() == {"KO"}
    timer[0] += KEPT_S - 1
    assert elsewhere.symbols() == set()
