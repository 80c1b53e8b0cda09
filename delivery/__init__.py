"""Everything that lasts: the queue, its couriers, SafeBoxes, notices, and the store beneath them.

Takes an envelope, the message and its decisions. Gives, for every recipient, exactly one end: sent, stored, bounced,
refused or cancelled; and to the portal, SafeBoxes to read and answer.
Knows nothing of SMTP sessions, policy files or web pages.
Start reading in `queue.py`, then `worker.py`.
"""
