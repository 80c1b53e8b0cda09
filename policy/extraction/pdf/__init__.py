"""PDF: what its pages show, what they hide, and what lies beside them.

Takes a file. Gives texts by page, fields, attachments, and what earlier versions and unused objects hold.
Start reading in `file.py`.

What is where:

- pages: `file` (all of it), `pages` (by PDFium), `covered` (drawn and not seen), `forms`
- without PDFium: `objects`, `streams`, `drawn` (what content streams draw), `placed` (the same by place),
  `inside` (beside the pages), `repeated` (forms in forms), `fdf`
"""
