"""Couriers: what brings messages out, one for each way (by SMTP, into a SafeBox).

Takes a Delivery: one opened message and the items of it that go to one destination with the same changes.
Gives an Outcome for each item.
Knows nothing of the queue's tables or of when to try again.
Start reading in `courier.py` (the seam), then `relay.py`, `safebox.py`.
"""
