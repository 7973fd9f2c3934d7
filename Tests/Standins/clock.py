"""What time it is for a stand-in: the machine's, and what `POST clock` added to it.

A test whose own clock is moved by its waits moves this one along: an hour's window then takes no time,
and no window ends because the machine is busy.
"""

import time

_ahead = 0.0


def now():
    """Seconds since 1970."""
    return time.time() + _ahead


def advance(seconds):
    global _ahead
    _ahead += seconds
