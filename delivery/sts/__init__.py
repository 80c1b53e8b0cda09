"""MTA-STS (RFC 8461): what a domain demands of whoever sends to it, learnt by DNS and HTTPS and remembered.

Takes a domain. Gives its policy, or None. Knows nothing of SMTP: `delivery.couriers.proving` makes a demand of it.
`delivery.stspolicy` reads its texts. Start at `known.py`.
"""
