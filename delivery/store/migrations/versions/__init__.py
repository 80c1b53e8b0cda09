"""One file a step: its number, its forerunner's number, and what it does.

Takes the schema of its forerunner. Gives its own. Knows nothing of the other steps.
Start reading at the lowest number.
"""
