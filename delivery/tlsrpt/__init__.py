"""TLS reports (RFC 8460): telling a domain once a day how TLS with its mail servers went.

Takes the verdicts of the couriers, and the domains' own word (`_smtp._tls` in DNS) on who wants to know. Gives a report
by mail or HTTPS, once for each domain and day whatever the number of workers. Knows nothing of messages: only sessions
are counted. Start at `reporting.py`.
"""
