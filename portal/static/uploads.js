// Files go before the form they belong to, one after the other, in pieces; after a broken connection, or in a page that was
// loaded again, they go on where they were (tus 1.0.0; docs/portal.md). Without script the form takes the files itself.
"use strict";

const FIRST = 64 * 2 ** 10; // bytes of the first request: what a file is shows early, before a slow line is kept busy
const PIECE = 4 * 2 ** 20; // and of each after it
const LONGEST_WAIT = 30; // seconds between two tries

class Uploads {
  constructor(drop) {
    this.drop = drop;
    drop.uploads = this;
    this.form = drop.closest("form");
    this.field = drop.querySelector("input[type=file]");
    this.list = this.form.querySelector("[data-coming]");
    this.blank = this.form.querySelector("template[data-line]").content.firstElementChild;
    this.csrf = this.form.elements.csrf.value;
    this.files = [...this.list.children].map((line) => this.adopted(line));
    this.running = this.sending = false;
    this.field.addEventListener("change", () => {
      this.add([...this.field.files]);
      this.field.value = "";
    });
    this.listen();
  }

  listen() {
    const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    // A file dropped beside its place would replace the page, and what was written with it.
    for (const name of ["dragover", "drop"]) {
      window.addEventListener(name, (event) => carries(event) && event.preventDefault());
    }
    this.drop.addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.dataTransfer.dropEffect = "copy";
      this.drop.classList.add("drop--over");
    });
    this.drop.addEventListener("dragleave", () => this.drop.classList.remove("drop--over"));
    this.drop.addEventListener("drop", (event) => {
      this.drop.classList.remove("drop--over");
      if (!carries(event)) return;
      event.preventDefault();
      const folders = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry?.isDirectory);
      const named = new Set(folders.map((folder) => folder.name));
      this.add([...event.dataTransfer.files].filter((file) => !named.has(file.name)));
      if (folders.length) this.trouble(this.said("folder", { name: folders[0].name }));
    });
    this.form.addEventListener("submit", (event) => {
      if (this.sent) return event.preventDefault(); // pressed twice
      const open = this.files.filter((one) => one.state !== "whole");
      if (!open.length) return (this.sent = true), undefined;
      event.preventDefault();
      this.sending = open.every((one) => one.state === "waiting" || one.state === "going");
      if (this.sending) this.tell(this.said("then"), { seen: true });
      else this.trouble(this.said("first"));
    });
    window.addEventListener("pageshow", () => (this.sent = false)); // back from the next page
    window.addEventListener("online", () => this.awake?.());
  }

  said(what, values = {}) {
    const sentence = this.drop.dataset[`said${what[0].toUpperCase()}${what.slice(1)}`];
    return Object.entries(values).reduce((text, [name, value]) => text.replace(`%${name}%`, () => value), sentence);
  }

  // For screen readers; what everybody has to know is seen as well.
  tell(sentence, { seen = false } = {}) {
    const place = this.form.querySelector("[data-told]");
    place.classList.toggle("visually-hidden", !seen);
    place.textContent = sentence;
  }

  trouble(sentence) {
    const place = this.drop.querySelector("[data-trouble]");
    place.textContent = sentence;
    place.hidden = !sentence;
  }

  // -- lines -----------------------------------------------------------------------------------------------------------

  adopted(line) {
    const { id, name, size, received, modified } = line.dataset;
    const one = { line, id, name, size: Number(size), received: Number(received), modified, file: null };
    line.querySelector("[data-plain]")?.remove();
    this.dress(one);
    this.show(one, one.received === one.size ? "whole" : "lost");
    return one;
  }

  begun(file) {
    const line = this.blank.cloneNode(true);
    const one = { line, id: "", name: file.name, size: file.size, received: 0, modified: String(file.lastModified), file };
    for (const place of line.querySelectorAll("[data-name-shown]")) place.textContent = file.name;
    line.querySelector("progress").max = file.size || 1;
    line.querySelector("progress").setAttribute("aria-label", file.name);
    line.querySelector("[data-size-shown]").textContent = shownSize(file.size);
    this.dress(one);
    this.list.append(line);
    this.show(one, "waiting");
    return one;
  }

  dress(one) {
    const button = one.line.querySelector("[data-remove]");
    button.hidden = false;
    button.addEventListener("click", () => this.remove(one));
  }

  show(one, state, sentence = "") {
    one.state = state;
    one.line.dataset.state = state;
    const bar = one.line.querySelector("progress");
    bar.value = one.received;
    bar.hidden = state === "whole" || state === "failed";
    const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" })
      .format(one.size ? Math.floor((100 * one.received) / one.size) / 100 : 1);
    const words = sentence || (state === "going" ? this.said("going", { percent }) : state === "lost" ? "" : this.said(state));
    if (words) one.line.querySelector("[data-state]").textContent = words;
    one.line.querySelector("input[name=uploads]")?.remove();
    if (state !== "whole") return;
    const sent = Object.assign(document.createElement("input"), { type: "hidden", name: "uploads", value: one.id });
    one.line.append(sent);
  }

  // -- adding and removing -----------------------------------------------------------------------------------------------

  add(chosen) {
    this.trouble("");
    for (const file of chosen) {
      const before = this.files.find(
        (one) => one.state === "lost" && one.name === file.name && one.size === file.size && one.modified === String(file.lastModified));
      if (before) {
        before.file = file;
        this.show(before, "waiting");
        continue;
      }
      const sentence = this.against(file);
      if (sentence) return this.trouble(sentence), this.run();
      this.files.push(this.begun(file));
    }
    return this.run();
  }

  against(file) {
    const { most, each, all } = this.drop.dataset;
    if (this.files.length >= Number(most)) return this.said("many");
    if (file.size > Number(each)) return this.said("each", { name: file.name });
    const together = this.files.reduce((sum, one) => sum + one.size, file.size);
    return together > Number(all) ? this.said("all") : "";
  }

  async remove(one) {
    const next = one.line.nextElementSibling ?? one.line.previousElementSibling;
    this.files = this.files.filter((other) => other !== one);
    one.state = "removed";
    one.request?.abort();
    one.line.remove();
    (next?.querySelector("[data-remove]") ?? this.field).focus();
    this.tell(this.said("removed", { name: one.name }));
    this.awake?.();
    if (one.id) await this.ask("DELETE", one);
    this.finish();
  }

  // -- sending -------------------------------------------------------------------------------------------------------------

  async run() {
    if (this.running) return;
    this.running = true;
    for (let one; (one = this.files.find((other) => other.state === "waiting")); ) {
      this.show(one, "going");
      if (!this.sending) this.tell(this.said("begun", { name: one.name }));
      await this.send(one);
    }
    this.running = false;
    this.finish();
  }

  async send(one) {
    for (let tries = 0; one.state === "going"; ) {
      const before = one.received;
      const answer = one.asks || !one.id ? await this.place(one) : await this.piece(one);
      if (one.state !== "going") return;
      if (answer === "again") {
        tries = one.received > before ? 0 : tries + 1;
        one.asks = Boolean(one.id);
        this.show(one, "going", this.said("broken"));
        await this.pause(Math.min(2 ** tries, LONGEST_WAIT));
      } else if (answer) {
        this.show(one, one.lapsed ? "lost" : "failed", answer);
        this.trouble(answer);
      } else {
        tries = 0;
        if (one.id && !one.asks && one.received === one.size) {
          this.show(one, "whole");
          if (!this.sending) this.tell(this.said("arrived", { name: one.name }));
        } else this.show(one, "going");
      }
    }
  }

  // Where it is to go on: a new one is announced, one that broke off is asked after.
  async place(one) {
    const words = { filename: one.name, filetype: one.file.type, modified: one.modified };
    const metadata = Object.entries(words).filter(([, value]) => value).map(([key, value]) => `${key} ${base64(value)}`).join(",");
    const answer = one.id
      ? await this.ask("HEAD", one)
      : await this.ask("POST", one, { "Upload-Length": one.size, "Upload-Metadata": metadata });
    const refused = this.refused(answer, one);
    if (refused) return refused;
    if (!one.id) one.id = answer.getResponseHeader("Location").split("/").at(-1);
    one.received = Number(answer.getResponseHeader("Upload-Offset"));
    one.asks = false;
    return "";
  }

  async piece(one) {
    const begin = one.received;
    const bytes = one.file.slice(begin, begin + (begin ? PIECE : FIRST));
    try {
      await bytes.slice(0, 1).arrayBuffer(); // changed or taken away since it was chosen
    } catch {
      return this.said("changed");
    }
    const answer = await this.ask("PATCH", one, { "Upload-Offset": begin, "Content-Type": "application/offset+octet-stream" }, bytes);
    if (answer.status === 409) return (one.asks = true), "again";
    const refused = this.refused(answer, one);
    if (!refused) one.received = Number(answer.getResponseHeader("Upload-Offset"));
    else one.received = begin;
    return refused;
  }

  // Nothing: it went well. "again": it may go well later. Else the sentence that refuses it.
  refused(answer, one) {
    if (answer.status >= 200 && answer.status < 300 && answer.getResponseHeader("Upload-Offset") !== null) return "";
    if (answer.status === 0 || answer.status === 408 || answer.status === 429 || answer.status >= 500) return "again";
    one.lapsed = answer.status === 401 || answer.status === 403; // its bytes wait: the page is to be loaded again
    const plain = (answer.getResponseHeader("Content-Type") ?? "").startsWith("text/plain");
    return (plain && answer.responseText.trim()) || this.said("failed");
  }

  ask(method, one, headers = {}, body = null) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      one.request = request;
      request.open(method, one.id ? `${this.drop.dataset.uploads}/${one.id}` : this.drop.dataset.uploads);
      for (const [name, value] of Object.entries({ "Tus-Resumable": "1.0.0", "X-CSRF-Token": this.csrf, ...headers })) {
        request.setRequestHeader(name, value);
      }
      const begin = one.received;
      request.upload.addEventListener("progress", (event) => {
        if (!body || one.state !== "going") return;
        one.received = Math.min(begin + event.loaded, one.size);
        this.show(one, "going");
      });
      request.addEventListener("loadend", () => done(request));
      request.send(body);
    });
  }

  pause(seconds) {
    return new Promise((done) => {
      this.awake = done;
      setTimeout(done, seconds * 1000);
    });
  }

  finish() {
    if (!this.sending || this.running) return;
    if (this.files.every((one) => one.state === "whole")) this.form.requestSubmit();
    else if (this.files.some((one) => one.state === "failed" || one.state === "lost")) {
      this.sending = false;
      this.tell("");
      this.trouble(this.said("first"));
    }
  }
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function shownSize(bytes) {
  const [unit, step] = bytes < 1000 ? ["byte", 1] : bytes < 999500 ? ["kilobyte", 1e3] : bytes < 999500000 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  const digits = step > 1e3 ? 1 : 0;
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: digits }).format(bytes / step);
}

for (const drop of document.querySelectorAll("[data-uploads]")) new Uploads(drop);
