"""Everything that lasts: the queue, its couriers, SafeBoxes, notices, and the store beneath them.

Takes a message and one item for each recipient. Brings every item to exactly one end: sent, stored, bounced, refused
or cancelled. Gives the portal SafeBoxes to read and answer.
Knows nothing of SMTP sessions, policy files or web pages.
Start reading in `queue.py`, then `worker.py`.

What is where:

- the queue: `items` (its words and states), `queue` (its door), `entering`, `sealed`, `queueadmin`, `housekeeping`
- the worker: `worker`, `attempting`, `appetite`, `claims`, `lanes`, `fairness`, `following`, `results`, `retry`,
  `lapses`; destinations that cannot be reached: `circuits`, `breaking`
- the ways out: `couriers/`, `hops` (as configured), `mx`, `resolving`
- TLS: `tls`, `dane`, `stspolicy`, `sts/`, `verdicts`, `tlsrpt/`
- mails of ours: `notices/`, `bounce`, `reporting`, `dkim`, `dkimkeys`; those that come back: `dsn`
- SafeBoxes: `safebox/`, `phones`
- what is kept: `store/`; the audit trail made proof against change: `trail/`
- shared by several: `settings`, `sections`, `languages`, `speech`, `lines`, `errors`, `threads`, `doubting` (the
  clock); by all doors: `doors/`
"""
