"""HTML pages as they are displayed, and what they hide.

Takes the source of a page, with the style sheets in it. Gives readings: what is shown, what is hidden, what stands side
by side. Fetches nothing and runs no script.
Start reading in `page.py`.

What is where:

- a page: `page` (all of it), `markup` (from its source to its `tree`), `names` (of elements), `shadows`
- style sheets: `stylesheets`, `declared` (what declarations say), `conditions` (groups of rules), `selectors`,
  `selecting`, `quirks` (pages without a doctype), `colours`, `counterstyles`, `lengths`
- of an element: `styling` (what wins), `own` (variables, attributes, animations), `styles` (seen or not)
- as shown: `display`, `arrangement`, `generated` (written by styles), `boxes` (for what is written), `mixed` (numbers
  with elements in them), `vectors` (drawings)
- what is not shown: `beneath`, `scripts` (what they hold packed)
- as a sheet shows its tables: `sheetpages`
"""
