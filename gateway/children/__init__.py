"""Child processes that read documents: locked in, and killed when they take too long.

Takes files of strangers. Gives what is in each, or that it cannot be read; a child that crashes costs one file.
Knows nothing of messages, rules and the queue, nor of how a file is read (`policy.extraction`, which children run).
Start reading in `pool.py`, which the gateway asks. `keeper.py` starts `nursery.py`, the process that children are
forked from; `words.py` holds what the two say to each other. `sandbox.py` locks a child in, `answers.py` checks what it
says.
"""
