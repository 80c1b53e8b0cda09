"""SafeBoxes: what is kept sealed for guests, who may see it, and for how long.

Takes a mail that goes by SafeBox, and later the acts of guests, owners and admins. Gives invitations, contents in
pieces, and answers that travel on as mail; every act leaves an audit event in its own transaction.
Knows nothing of SMTP, of pages, or of how a guest proves who they are.
Start reading in `lifecycle.py` (the states), then `box.py` (the service), then `making.py` (how a mail becomes a box).

What is where:

- who may do what, when: `lifecycle`, `authority`, `acting`; what acts need at hand: `desk`; the service: `box`
- a mail becomes a box: `making`, `mail`, `entities`, `parts`, `headers`, `names`, `inplace`, `htmltext`, `boxkey`
- invitations, and what becomes of them: `inviting`, `post`, `bounces`, `reminding`
- a guest: `seating` (their seat), `participants`, `reading`, `opening`, `contents`, `telling`, `proving`
- answers and files: `answers`, `answering`, `uploads`, `uploading`, `receiving`, `limits`, `kinds`
- those who keep a box: `keeping`, `partaking`, `recalling`, `changing`, `looking`, `listing`, `vouching`
- what is told of it: `summaries`, `tracking`, `auditrecord`
- time: `clockwork`; who is told of an end: `ending`
- security profiles: `profile`, `choices`, `spans`, `adjusting`, `profilewords`; what a mail asks of them: `wishes`,
  `asking`
"""
