"""The doors and the wiring: SMTP, command line, configuration, child processes.

Takes connections, files and commands. Gives every message to policy, then to delivery, and answers the client.
Knows nothing of how decisions are made or how items are delivered.
Start reading in `app.py` (how the parts are put together), then `intake.py` (what happens to one message).

What is where:

- the wiring: `app`
- a message's way in: `listening`, `smtp/`, `intake` (with `seams`, `deciding`, `orders`, `verdictnotices`), `outgoing`;
  room and rates: `strain`, `ledger`
- reading it: `extractors`; processes that read documents: `children/`; pictures: `recognition`, `tesseract`; what comes
  again: `knownfiles`, `repeats`
- what decides: `policies` (the one in force), `policyfile`, `detectors`, `wishes`; compiled patterns: `matchcache`,
  `usercache`; old mail before two policies: `replay/`
- the configuration: `settings`, `consistency`, `namedfiles`, `certificates`, `yamlmarks`, `mistakes`, `example`
- processes: `workers/` (several, and who looks after them), `share` (what each may do of the whole); `rehearsal` (what
  is done before the doors open), `chores` (what runs beside them), `signals`, `memory`, `stores`; where only the
  standard library is at hand: `plainlog`, `supervised` (systemd)
- what is told: `telemetry`, `scraped`, `counting`, `queuegauges`; several workers count together: `tallies`,
  `tallyfiles`
- commands: `cli/`, `demo/`, `__main__`
"""
