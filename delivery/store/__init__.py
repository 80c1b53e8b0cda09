"""The database and the blob files.

Takes values and transactions. Gives values back: frozen dataclasses, never rows, sessions or lazy loading.
Knows nothing of SMTP, policy or pages.
Start reading in `schema.py`, which is the data dictionary, then `database.py`.

What is where:

- the tables: `schema`, `schema_boxes`, `schema_people`, `schema_audit`, `schema_tls`; `upgrade` and `migrations/`
- transactions: `database`, `groups`, `gathering`, `statements`, `inserting`, `failures`; beneath it `backing`,
  `sqlite`, `postgresql`
- sealing: `vault`; files: `blobs`
- the queue: `messages`, `items`, `views`, `ages`, `workers`, `lapses`, `circuits`, `pauses`,
  `waits`, `rates`
- SafeBoxes: `boxes`, `box_contents`, `box_people`, `box_lists`, `box_news`, `box_trail`, `uploads`, `proofs`;
  whether the clock is believed: `doubts`
- people at the portal: `accounts`, `account_rows`, `codes`, `credentials`, `passkeys`, `second_factors`, `devices`,
  `challenges`, `sessions`, `throttles`, `languages`, `who`
- the trail: `audit`, `links`, `erasing`, `watching`
- other domains' TLS: `sts`, `tls_sessions`
"""
