// Reading .txt, .csv, .tsv and .jsonl in the browser, and writing cells of CSV.

import { say } from "./say.js";

export function decode(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes); // what Excel in Chinese writes
  }
}

// Returns the rows of a file, { text } or { text, pair } as `wanted` names them.
export function parse(name, content, wanted) {
  if (name.endsWith(".csv")) return columns(cells(content, ","), wanted);
  if (name.endsWith(".tsv")) return columns(cells(content, "\t"), wanted);
  const lines = content.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (name.endsWith(".jsonl")) return lines.flatMap((line, place) => (line.trim() ? [fromJson(line, place + 1, wanted)] : []));
  if (!name.endsWith(".txt")) throw new Error(say("kind"));
  if (wanted.length === 1) return lines.map((text) => ({ text }));
  return lines.map((line, place) => {
    const tab = line.indexOf("\t");
    if (tab < 0) throw new Error(say("noTab", place + 1));
    return { text: line.slice(0, tab), pair: line.slice(tab + 1) };
  });
}

function fromJson(line, number, wanted) {
  let row = null;
  try {
    row = JSON.parse(line);
  } catch {
    // said below
  }
  const missing = wanted.find((name) => typeof row?.[name] !== "string");
  if (missing) throw new Error(say("noText", number, missing));
  return Object.fromEntries(wanted.map((name) => [name, row[name]]));
}

function columns([header = [], ...rows], wanted) {
  const names = header.map((name) => name.trim().toLowerCase());
  const missing = wanted.find((name) => !names.includes(name));
  if (missing) throw new Error(say("noColumn", missing, header.join(", ")));
  return rows.map((row) => Object.fromEntries(wanted.map((name) => [name, row[names.indexOf(name)] ?? ""])));
}

// RFC 4180: a cell in quotes may hold separators, line ends and doubled quotes.
function cells(content, separator) {
  const rows = [];
  let row = [], cell = "", quoted = false, begun = false;
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || row[0] || begun) rows.push(row);
    row = [];
    cell = "";
    begun = false;
  };
  for (let place = 0; place < content.length; place++) {
    const character = content[place];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (content[place + 1] === '"') cell += content[++place];
      else quoted = false;
    } else if (character === '"' && !cell && !begun) quoted = begun = true;
    else if (character === separator) {
      row.push(cell);
      cell = "";
      begun = false;
    } else if (character === "\n") endRow();
    else if (character !== "\r" || content[place + 1] !== "\n") cell += character;
  }
  if (quoted) throw new Error(say("quote"));
  endRow();
  return rows;
}

// A spreadsheet would run a cell that begins like a formula.
export function csvCell(value) {
  const safe = /^[=+\-@\t\r＝＋－＠]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
