"""The audit trail made proof against change: chained, signed, shipped away, verified.

Takes the events that acts have committed. Gives a chain over them, signed checkpoints at the places that `audit.ship`
names, and a proof. Knows nothing of what the events tell.
Start reading in `keeping.py`, then `proof.py`.
"""
