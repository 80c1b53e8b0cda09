"""Couriers: what brings messages out, one for each way (by SMTP, into a SafeBox).

Takes a Delivery: one opened message and the items of it that go to one destination with the same changes.
Gives an Outcome for each item.
Knows nothing of the queue's tables or of when to try again.
Start reading in `courier.py` (the seam), then `relay.py`, `safebox.py`.

What is where:

- couriers: `courier` (the seam), `relay`, `safebox`; what rules change in a copy: `changes`
- where to, and what it has to show: `targets`, `proving`, `published` (asked before a message is decided)
- connections: `connections` (kept and limited), `dialling` (opened), `session`, `replies`, `transaction` (one message)
- recipients of our own asked for at the door: `callout`
"""
