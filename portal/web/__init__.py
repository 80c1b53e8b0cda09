"""What every page of the portal shares: who asks, headers, forms, limits, rendering, downloads.

Takes requests and page objects. Gives responses that keep the promises of `docs/portal.md`: nothing cached, nothing
framed, no foreign form accepted, no detail of our inside shown.
Knows nothing of what a page is about.
Start reading in `visitor.py`, then `render.py`.

What is where:

- who asks: `visitor`, `client`, `locator`, `throttle`; connections: `porch`, `door`, `patience`
- forms: `forms`, `csrf`; files that come: `uploads`, `resuming`
- pages: `render`, `kepttemplates`, `headers`, `static`, `language`, `choosing`, `times`, `words`, `letters`;
  what goes wrong: `troubles`, `ends`
- a mail's HTML: `formatted`, `framed`
- documents on their way out: `downloads`, `ranges`, `bundles`, `zipping`
- what goes on after the answer: `errands`
"""
