"""The doors and the wiring: SMTP, command line, configuration, child processes.

Takes connections, files and commands. Gives every message to policy, then to delivery, and answers the client.
Knows nothing of how decisions are made or how items travel on.
Start reading in `app.py`, then `intake.py`.
"""
