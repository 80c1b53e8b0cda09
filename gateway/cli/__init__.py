"""The command line, a file a command group.

Takes arguments and a configuration. Gives text for people, or with --json one object a line; exit 0, 1 or 2.
Knows nothing of how things are done: every command calls one service and prints what it gave.
Start reading in `main.py`.

What is where:

- the way in: `main`; what commands share: `context`, `stores`, `terminal`, `loglines`, `crash`
- groups of one file: `audit`, `completion`, `config`, `db`, `demo`, `dkim`, `keys`, `serve`, `user`
- the policy: `policy`, `explained`, `replayed`, `watched`, `online`; detectors: `rules`
- the queue: `queue`, `queueacts`
- SafeBoxes: `boxes`, `box`, `boxshown`, `boxproof`
"""
