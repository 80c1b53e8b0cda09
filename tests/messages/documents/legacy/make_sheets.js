// Writes the workbooks of this folder that LibreOffice does not write: `node make_sheets.js FOLDER`, with SheetJS.
const XLSX = require("xlsx");
const path = require("path");
const folder = process.argv[2];
const of = (at) => `536-${21 + Math.floor(at / 9000)}-${1234 + at}`;
const expected = {};
for (const [name, type, start] of [["book.xlsb", "xlsb", 500], ["excel97.xls", "biff8", 600], ["excel95.xls", "biff5", 700]]) {
  let next = start;
  const places = {};
  const mark = (place) => { next += 1; places[of(next)] = place; return of(next); };
  const book = XLSX.utils.book_new();
  const plain = Number(mark("number").replaceAll("-", ""));
  const shown = mark("number in a format of zeros");
  const sheet = XLSX.utils.aoa_to_sheet([
    ["Name", "SSN", "Pay"],
    [`Ann ${mark("text cell")}`, plain, { t: "n", v: Number(shown.replaceAll("-", "")), z: "000-00-0000" }],
    [{ t: "s", v: `SSN ${mark("result of a formula")}`, f: 'CONCATENATE("a","b")' }, 1.5, new Date(Date.UTC(1971, 4, 4))],
  ]);
  delete places[of(start + 1)];
  places[String(plain)] = "number";
  if (type === "xlsb") {
    sheet.A2.c = [{ a: "Bob", t: `SSN ${mark("note")}` }];
    sheet.A2.c.hidden = true;
  }
  XLSX.utils.book_append_sheet(book, sheet, "Staff");
  const hidden = XLSX.utils.aoa_to_sheet([[`SSN ${mark("hidden sheet")}`], [`${type === "biff5" ? "" : "漢字 "}SSN ${mark("beside wide letters")}`]]);
  XLSX.utils.book_append_sheet(book, hidden, "Salaries");
  book.Workbook = { Sheets: [{}, { Hidden: 2 }] };
  if (type !== "biff5") book.Props = { Title: `Pay ${mark("title")}`, Comments: `SSN ${mark("comments of the properties")}` };
  XLSX.writeFile(book, path.join(folder, name), { bookType: type, bookSST: type !== "biff5" });
  expected[name] = places;
}
console.log(JSON.stringify(expected));
