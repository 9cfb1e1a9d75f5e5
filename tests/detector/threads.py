"""Acts of several people at the same moment, in threads with database connections of their own."""

from collections.abc import Callable
from threading import Barrier, Thread

from django.db import connection


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all at the same moment; what each of them returned or raised."""
    together = Barrier(len(acts))
    outcomes: list[object] = [None] * len(acts)

    def run(index: int) -> None:
        together.wait()
        try:
            outcomes[index] = acts[index]()
        except Exception as error:  # whoever asked looks whether it is one that may be
            outcomes[index] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(index,)) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
