// What script adds, and nothing needs: the reader's time zone, "show what I type", printing, what was just done said
// once. Everything else works without.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !/(?:^|;\s*)tz=/.test(document.cookie)) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  }
})();

// "Your reply has been sent" is said once: not again when the page is loaded anew, or found in the history.
(() => {
  const here = new URL(location.href);
  const before = here.href;
  for (const said of ["sent", "asked", "done"]) here.searchParams.delete(said);
  if (here.href !== before) history.replaceState(null, "", here);
})();

for (const choice of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(choice.dataset.shows);
  choice.hidden = false;
  choice.querySelector("input").addEventListener("change", (event) => {
    field.type = event.target.checked ? "text" : "password";
  });
}

for (const button of document.querySelectorAll("[data-prints]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// What is wider than its place scrolls by itself: by keyboard as well.
for (const table of document.querySelectorAll(".letter__body table")) {
  if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
}
