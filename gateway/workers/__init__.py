"""Several equal workers on one machine, and the process that looks after them.

Takes what a worker does (`gateway.cli.serve` hands it in). Gives processes that are started, watched and stopped.
Knows nothing of mail, nor of what a worker is made of.
Start reading in `processes.py` (forks workers and keeps them at their work), then `parent.py` (the small program that
goes on with this once they stand). `given.py` is what a worker gets that is started again, `seats.py` what workers know
of each other.
"""
