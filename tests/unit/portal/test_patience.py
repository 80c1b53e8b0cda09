"""Connections on which nothing happens are let go."""

from portal.web.patience import IDLE, Patience


class Line:
    """A connection."""

    def __init__(self) -> None:
        self.closed = False

    def let_go(self) -> None:
        self.closed = True


def test_idle_connections_go_and_busy_ones_stay() -> None:
    patience, silent, busy, fresh = Patience(), Line(), Line(), Line()
    assert patience.look([silent, busy], 0.0) == 0
    with patience.busy(busy, lambda: 50.0):
        assert patience.look([silent, busy, fresh], IDLE + 1) == 1
        assert silent.closed and not busy.closed and not fresh.closed
        assert patience.look([busy, fresh], 10 * IDLE) == 1
        assert fresh.closed and not busy.closed
    assert patience.look([busy], 50.0 + IDLE) == 0
    assert patience.look([busy], 51.0 + IDLE) == 1


def test_past_the_most_the_longest_idle_go_first() -> None:
    patience, lines = Patience(), [Line() for _ in range(5)]
    for number in range(5):
        patience.look(lines[: number + 1], float(number), most=5)
    assert patience.look(lines, 5.0, most=3) == 2
    assert [line.closed for line in lines] == [True, True, False, False, False]
