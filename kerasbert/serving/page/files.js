// The rows of .txt, .csv, .tsv and .jsonl, read as the command line does, and writing cells of CSV.

import { Choice } from "./encoding.js";
import { say } from "./say.js";

const COLUMNS_OFFERED = 12;
// What people call a column of texts; the only column of a table is taken by these names too.
const TEXT_NAMES = ["text", "review", "content", "sentence", "text_a", "comment", "message", "title", "query",
  "question", "utterance", "内容", "文本", "评论", "评价", "正文", "句子", "标题", "留言"];

// Returns the rows of a file, { text } or { text, pair } as `wanted` names them. Every row counts, blank ones too.
// `column` is the one that was chosen for the texts, where it has another name.
export function parse(name, content, wanted, column = "text") {
  if (/\.(jsonl|ndjson)$/.test(name)) return fromJson(content, wanted, column);
  if (name.endsWith(".csv")) return fromTable(numbered(cells(content, delimiter(content, wanted))), wanted, column);
  if (name.endsWith(".tsv")) return fromTable(lines(content).map((line, place) => [place + 1, line ? line.split("\t") : []]), wanted, column);
  if (!name.endsWith(".txt")) throw new Error(say("kind"));
  if (wanted.length === 1) return lines(content).map((text) => ({ text }));
  return lines(content).map((line, place) => {
    const tab = line.indexOf("\t");
    if (tab < 0) throw new Error(say("noTab", place + 1));
    return { text: line.slice(0, tab), pair: line.slice(tab + 1) };
  });
}

function lines(content) {
  const all = content.split("\n").map((line) => line.replace(/\r+$/, ""));
  if (all.at(-1) === "") all.pop();
  return all;
}

function fromJson(content, wanted, column) {
  let names = null; // of the file, for those that are wanted
  return lines(content).flatMap((line, place) => {
    if (!line.trim()) return [];
    let row = null;
    try {
      row = JSON.parse(line);
    } catch {
      // said below
    }
    if (row === null || typeof row !== "object" || Array.isArray(row)) throw new Error(say("noText", place + 1, column));
    names ??= choose(Object.keys(row), wanted, column);
    const missing = names.find((name) => typeof (row[name] ?? "") !== "string" || !(name in row));
    if (missing !== undefined) throw new Error(say("noText", place + 1, missing));
    return [Object.fromEntries(wanted.map((name, index) => [name, row[names[index]] ?? ""]))];
  });
}

function fromTable(rows, wanted, column) {
  const start = rows.findIndex(([, row]) => row.length);
  const header = rows[start]?.[1] ?? [];
  if (!header.some(Boolean)) return [];
  const places = choose(header, wanted, column).map((name) => header.indexOf(name));
  return rows.slice(start + 1).map(([number, row]) => {
    const blank = !row.length;
    if (!blank && row.length !== header.length) throw new Error(say("width", number, row.length, header.length));
    return Object.fromEntries(wanted.map((name, index) => [name, blank ? "" : row[places[index]]]));
  });
}

// Returns the names that the wanted columns have in a table.
function choose(header, wanted, column) {
  const twice = header.find((name, place) => name.trim() && header.indexOf(name) !== place);
  if (twice !== undefined) throw new Error(say("twice", twice));
  const plain = (name) => name.trim().toLowerCase();
  if (wanted.length === 1 && header.length === 1 && TEXT_NAMES.includes(plain(header[0]))) return header;
  return wanted.map((name) => {
    const title = name === "text" ? column : name;
    const found = header.find((each) => each === title) ?? header.find((each) => plain(each) === title);
    if (found !== undefined) return found;
    const message = say("noColumn", title, header.join(", "));
    if (name !== "text" || header.length > COLUMNS_OFFERED) throw new Error(message);
    const likely = (each) => TEXT_NAMES.includes(plain(each));
    const order = [...header.filter(likely), ...header.filter((each) => !likely(each))].filter((each) => each.trim());
    throw new Choice(message, order.map((each) => ({ label: say("column", each), settings: { column: each } })));
  });
}

// Not a comma, where something else separates the very columns that are wanted, or all there are.
function delimiter(content, wanted) {
  const first = lines(content).find(Boolean) ?? "";
  const has = (mark) => wanted.every((name) => first.split(mark).map((cell) => cell.replaceAll('"', "")).includes(name));
  const marks = [",", ";", "\t"];
  return marks.find(has) ?? marks.find((mark) => first.includes(mark)) ?? ",";
}

function numbered(rows) {
  let line = 1;
  return rows.map((row) => {
    const number = line;
    line += 1 + row.reduce((count, cell) => count + cell.split("\n").length - 1, 0);
    return [number, row];
  });
}

// RFC 4180: a cell in quotes may hold separators, line ends and doubled quotes.
function cells(content, separator) {
  const rows = [];
  let row = [], cell = "", quoted = false, closed = false;
  const endCell = () => {
    row.push(cell);
    cell = "";
    closed = false;
  };
  const endRow = () => {
    if (row.length || cell || closed) endCell();
    rows.push(row); // [] for a blank line
    row = [];
  };
  for (let place = 0; place < content.length; place++) {
    const character = content[place];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (content[place + 1] === '"') cell += content[++place];
      else [quoted, closed] = [false, true];
    } else if (character === '"' && !cell && !closed) quoted = true;
    else if (character === separator) endCell();
    else if (character === "\n" || character === "\r") {
      if (character === "\r" && content[place + 1] === "\n") place++;
      endRow();
    } else if (closed) throw new Error(say("afterQuote", rows.length + 1));
    else cell += character;
  }
  if (quoted) throw new Error(say("quote"));
  if (cell || closed || row.length) endRow();
  return rows;
}

// A spreadsheet would run a cell that begins like a formula.
export function csvCell(value) {
  const safe = /^[=+\-@\t\r＝＋－＠]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
