"""Places of a pool go round in the order they were asked for."""

from __future__ import annotations

import threading

from dacheng.runtime.storage.connections import Turns


def test_who_waits_longest_is_next_even_when_somebody_comes_back_at_once() -> None:
    turns, order, waiting = Turns(1), [], 5
    turns.acquire()

    def take(number: int) -> None:
        turns.acquire()
        order.append(number)
        turns.release()

    threads = []
    for number in range(waiting):
        threads.append(threading.Thread(target=take, args=(number,)))
        threads[-1].start()
        while len(turns._waiting) <= number:  # in line before the next one comes
            threading.Event().wait(0.001)
    turns.release()
    turns.acquire()  # comes back at once, and is the last in line
    order.append(waiting)
    turns.release()
    for each in threads:
        each.join()
    assert order == list(range(waiting + 1))


def test_no_more_than_the_places_there_are_are_taken() -> None:
    turns, guard = Turns(3), threading.Lock()
    within, most = 0, 0

    def work() -> None:
        nonlocal within, most
        for _ in range(50):
            turns.acquire()
            with guard:
                within += 1
                most = max(most, within)
            with guard:
                within -= 1
            turns.release()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert 1 <= most <= 3
