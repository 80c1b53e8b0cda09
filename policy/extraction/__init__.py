"""From bytes of any type to the texts and files a person would see in them.

Takes a name, bytes, what was declared of them, and a Budget.
Gives Content: parts with a place a person can find, and a fact for every file, readable or not.
Knows nothing of child processes and clocks: whoever calls sets the time limit; counts and bytes are limited here.
Start reading in `extract.py`.

What is where:

- the way in: `message` (a whole mail), `kind` (what a file is), `extract` (who reads it), `documents` (readers
  that are loaded on use), `collected` (what comes out)
- plain text: `text`, `spelling`, `bidi`, `tables`, `cards`, `valuefiles`, `neighbours`, `runs`, `xmlsource`
- pages: `html`, then `htmlnames`, `markup` (the tree), `selectors`, `selecting`, `stylesheets`, `styles`, `colours`,
  `counterstyles`, `generated`, `arrangement`, `display` (as shown), `mixed` (numbers with elements in them), `beneath`,
  `shadows`, `tagged` (texts shown as pages), `borrowed` (from other parts of the mail); drawings: `vectors`
- archives: `archive`, `zips`, `unzip`, `zipcrypt`, `appledouble`; wrappings: `wrappings`; `passwords`, `locked`
- Office XML: `office`, `packages`, `flat`, `xmltext`, `xps`; Word: `paragraphs`, `pieces`, `wordstyles`, `wordshown`,
  `bindings`, `fields`; PowerPoint: `slides`, `charts`
- sheets: `sheets`, `workbooks`, `binarybook`, `grid`, `cellformat`, `numberformat`, `formulas`, `sheetfunctions`,
  `lookups`
- OpenDocument: `opendocument`, `odftext`, `odfstyles`, `odfsheets`; `boxes` (where they stand); rtf: `rtf`,
  `rtffile`, `rtftables`, `rtfwords`
- Office 97: `ole`, `compound`, `streams`, `propertysets`, `word97`, `excel97`, `biff`, `powerpoint97`, `macros`
- Outlook: `outlook`, `mapi`, `tnef`, `lzfu`
- pdf: `pdf`, `pdfobjects`, `pdfstreams`, `pdfpages`, `pdfdrawn`, `pdfcovered`, `pdfforms`, `pdfinside`, `fdf`
- what a picture's file says: `pictures`
"""
