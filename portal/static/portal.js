// What script adds, and nothing needs: the reader's time zone, "show what I type", printing, and a word before an upload that is
// too large. Everything else works without.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !/(?:^|;\s*)tz=/.test(document.cookie)) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  }
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

for (const field of document.querySelectorAll("input[type=file][data-all]")) {
  const said = document.querySelector(`[data-says="${field.id}"]`);
  const megabytes = (size) => `${Math.round(size / 1e5) / 10} MB`;
  const trouble = () => {
    const files = [...field.files];
    const large = files.find((file) => file.size > Number(field.dataset.each));
    if (files.length > Number(field.dataset.most)) return `You can add up to ${field.dataset.most} files.`;
    if (large) return `“${large.name}” is too large. A file can have up to ${megabytes(field.dataset.each)}.`;
    const together = files.reduce((sum, file) => sum + file.size, 0);
    return together > Number(field.dataset.all) ? `The files together can have up to ${megabytes(field.dataset.all)}.` : "";
  };
  field.addEventListener("change", () => {
    said.textContent = trouble();
    said.hidden = !said.textContent;
    field.setCustomValidity(said.textContent);
  });
}

// What is wider than its place scrolls by itself: by keyboard as well.
for (const table of document.querySelectorAll(".letter__body table")) {
  if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
}
