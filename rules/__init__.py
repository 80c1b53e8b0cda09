"""What to look for in a text.

Takes content (named texts, as a recipient's program would show them) and detector packs.
Gives findings: which detector hit, where, how often, how sure, with masked excerpts.
Knows nothing of mail, policy, files on disk (beyond reading its own packs), clocks or databases.
Start reading in `matching.py`.

What is where:

- what goes in and comes out: `content`, `finding`, `masking`, `places`, `because` (why a hit is so sure)
- packs: `detector`, `pack`, `parts`, `reading`, `changes`, `refusals`, `samples`, `reference`, `errors`
- the text: `normalise`, `spelling`, `disguise`, `encoded`, `direction`, `readings`, `turns`
- one pass: `searching`, `engine`, `lanes`, `widths`, `dense`, `arming`, `literals`, `words`, `budget`
- from a match to a finding: `matching`, `repeats`, `candidates`, `endings`, `judging`, `context`, `talk`,
  `columns`, `segments`
- checks: `checks` (by name), `verdict`, `cards`, `financial`, `securities`, `countries`, `identity`, `licences`,
  `dates`, `medical`, `codes`, `secrets`, `world/`
"""
