"""Numbers that countries give to people, and the arithmetic by which each shows that it can be one.

Takes a candidate as it stands in a text.
Gives a verdict: whether that country's authority can have given it.
Knows nothing of patterns, words nearby or packs; `rules/packs/world-*.yaml` name these checks.
Start reading in `table.py`, which lists them all.
"""
