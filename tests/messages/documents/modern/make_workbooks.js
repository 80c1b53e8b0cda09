// Workbooks by SheetJS. `node make_workbooks.js list` tells the files and their places; `... NAME NUMBER` makes one.
const XLSX = require("xlsx");

const plain = (rows) => XLSX.utils.aoa_to_sheet(rows);
function book(sheets) {
  const made = XLSX.utils.book_new();
  for (const [name, sheet] of Object.entries(sheets)) XLSX.utils.book_append_sheet(made, sheet, name);
  made.Workbook = { Sheets: made.SheetNames.map(() => ({ Hidden: 0 })), Names: [] };
  return made;
}
const digits = (value) => Number(value.replaceAll("-", ""));
const PLANS = {
  "sheetjs-very-hidden.xlsx": ["Secret (hidden) > A1", (v) => {
    const made = book({ Pay: plain([["x"]]), Secret: plain([[v]]) });
    made.Workbook.Sheets[1].Hidden = 2;
    return made;
  }],
  "sheetjs-comment.xlsx": ["Pay", (v) => {
    const sheet = plain([["x"]]);
    XLSX.utils.cell_add_comment(sheet.A1, v, "A");
    return book({ Pay: sheet });
  }],
  "sheetjs-number-format.xlsx": ["Pay > B2", (v) => {
    const sheet = plain([["Name", "SSN"], ["x", digits(v)]]);
    sheet.B2.z = "000-00-0000";
    return book({ Pay: sheet });
  }],
  "sheetjs-literal-format.xlsx": ["Pay > A1", (v) => {
    const sheet = plain([[Number(v.slice(4).replace("-", ""))]]);
    sheet.A1.z = '"' + v.slice(0, 4) + '"00-0000';
    return book({ Pay: sheet });
  }],
  "sheetjs-formula.xlsx": ["Pay", (v) => {
    const sheet = plain([[v.slice(0, 3), v.slice(4, 6), v.slice(7)]]);
    sheet.D1 = { t: "s", v: "", f: 'A1&"-"&B1&"-"&C1' };
    sheet["!ref"] = "A1:D1";
    return book({ Pay: sheet });
  }],
  "sheetjs-defined-name.xlsx": ["", (v) => {
    const made = book({ Pay: plain([["x"]]) });
    made.Workbook.Names.push({ Name: "ssn", Ref: `"${v}"` });
    return made;
  }],
  "sheetjs-property.xlsx": ["properties", (v) => {
    const made = book({ Pay: plain([["x"]]) });
    made.Props = { Keywords: v };
    return made;
  }],
  "sheetjs-custom-property.xlsx": ["properties", (v) => {
    const made = book({ Pay: plain([["x"]]) });
    made.Custprops = { ssn: v };
    return made;
  }],
  "sheetjs-link.xlsx": ["", (v) => {
    const sheet = plain([["here"]]);
    sheet.A1.l = { Target: `https://example.com/?ssn=${v}`, Tooltip: "x" };
    return book({ Pay: sheet });
  }],
  "sheetjs-far-away.xlsx": ["Pay > XFD9", (v) => {
    const sheet = plain([["x"]]);
    sheet.XFD9 = { t: "s", v };
    sheet["!ref"] = "A1:XFD9";
    return book({ Pay: sheet });
  }],
  "sheetjs-hidden-noise.xlsx": ["", (v) => {
    const sheet = plain([["SSN", v.slice(0, 3), "99", "-" + v.slice(4, 6) + "-", v.slice(7)]]);
    sheet["!cols"] = [{}, {}, { hidden: true }, {}, {}];
    return book({ Pay: sheet });
  }],
  "sheetjs-2003.xml": ["Pay > A1", (v) => book({ Pay: plain([[v]]) })],
  "sheetjs.fods": ["Pay", (v) => book({ Pay: plain([["x", v]]) })],
  "sheetjs.ods": ["Pay > B1", (v) => book({ Pay: plain([["x", v]]) })],
  "sheetjs.xlsm": ["Pay > A3", (v) => book({ Pay: plain([[], [], [v]]) })],
};
const [, , name, value] = process.argv;
if (name === "list") {
  console.log(JSON.stringify(Object.fromEntries(Object.entries(PLANS).map(([each, [place]]) => [each, place]))));
} else {
  XLSX.writeFile(PLANS[name][1](value), name, { compression: true, ...(name.endsWith(".xml") ? { bookType: "xlml" } : {}) });
}
