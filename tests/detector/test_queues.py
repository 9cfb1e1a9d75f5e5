"""Who is next, without threads: the test plays the worker."""

from threading import Thread

import pytest

from detector.engine.pictures import Outcome, Picture
from detector.engine.queues import Line, Request
from detector.errors import ServerBusy


@pytest.fixture
def line() -> Line:
    """A line for two workers: three mailboxes, two waiting requests, one request in work."""
    return Line(max_mailboxes=3, max_requests=2, max_requests_in_work=1)


def picture(number: int = 0) -> Picture:
    return Picture(b"", max_pixels=1, max_faces=1, number=number)


def mailbox(line: Line):
    return line.open_mailbox(lambda outcome: None, lambda version: None)


def request(line: Line, number: int = 0) -> Request:
    asked = Request(picture(number))
    line.add_request(asked)
    return asked


def test_a_newer_frame_replaces_the_one_still_waiting(line):
    box = mailbox(line)
    assert box.put(picture(1)) is None
    assert box.put(picture(2)).number == 1
    assert line.take()[1].number == 2


def test_a_frame_that_comes_while_one_is_in_work_waits_and_is_next_afterwards(line):
    box = mailbox(line)
    box.put(picture(1))
    job, _ = line.take()
    assert box.put(picture(2)) is None
    assert box.put(picture(3)).number == 2
    line.done(job)
    assert line.take()[1].number == 3


def test_a_connection_that_sends_ten_times_as_fast_gets_no_more_turns(line):
    greedy, calm = mailbox(line), mailbox(line)
    turns = []
    for round_number in range(10):
        for number in range(10):
            greedy.put(picture(number))
        calm.put(picture(round_number))
        for _ in range(2):
            job, _ = line.take()
            turns.append(job)
            line.done(job)
    assert turns.count(greedy) == turns.count(calm) == 10


def test_a_closed_mailbox_is_skipped_and_gives_its_place_back(line):
    boxes = [mailbox(line) for _ in range(3)]
    with pytest.raises(ServerBusy):
        mailbox(line)
    boxes[0].put(picture(1))
    boxes[1].put(picture(2))
    boxes[0].close()
    assert line.take()[0] is boxes[1]
    assert mailbox(line)


def test_nothing_can_be_left_in_a_closed_mailbox(line):
    closed, other = mailbox(line), mailbox(line)
    closed.close()
    closed.put(picture(1))
    other.put(picture(2))
    assert line.take()[0] is other


def test_a_full_line_of_requests_is_busy(line):
    request(line)
    request(line)
    with pytest.raises(ServerBusy):
        request(line)


def test_requests_leave_one_worker_to_the_live_connections(line):
    box = mailbox(line)
    first, second = request(line, 1), request(line, 2)
    assert line.take()[0] is first
    box.put(picture(3))
    assert line.take()[0] is box
    line.done(first)
    assert line.take()[0] is second


def test_what_has_waited_longest_is_next(line):
    first, box = request(line), mailbox(line)
    box.put(picture())
    assert line.take()[0] is first


def test_a_request_that_nobody_waits_for_is_not_worked_on(line):
    given_up, other = request(line, 1), request(line, 2)
    line.withdraw(given_up)
    assert line.take()[0] is other
    given_up.deliver(Outcome(1, None))


def test_stopping_frees_the_workers_and_fails_what_waits(line):
    waiting = request(line)
    line.stop()
    assert line.take() is None
    with pytest.raises(ServerBusy):
        waiting.future.result(0)
    with pytest.raises(ServerBusy):
        request(line)


def test_who_decodes_a_picture_itself_holds_up_the_requests_and_no_live_connection(line):
    box = mailbox(line)
    with line.turn():
        request(line, 1)
        box.put(picture(2))
        assert line.take()[1].number == 2
    assert line.take()[1].number == 1


def test_who_decodes_a_picture_itself_waits_for_the_request_in_work(line):
    request(line)
    job, _ = line.take()
    decoded = []

    def decode() -> None:
        with line.turn():
            decoded.append(True)

    thread = Thread(target=decode)
    thread.start()
    thread.join(0.1)
    assert not decoded
    line.done(job)
    thread.join(5)
    assert decoded
