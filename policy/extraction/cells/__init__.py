"""What cells of sheets show, whatever program saved them: numbers as formatted, results of formulas, rows.

Takes values, formats and formulas. Gives texts. Knows nothing of the files in which sheets are kept, but for those
that are plain text.
Start reading in `grid.py`.

What is where:

- cells as texts: `grid`, `format` (numbers as displayed), `numberformat` (formats taken apart)
- results: `formulas`, `values`, `functions`, `numbers`, `lookups`
- sheets in plain text: `valuefiles` (csv, SYLK, DIF)
"""
