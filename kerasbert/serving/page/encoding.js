// From the bytes of a file to its text: UTF-8, or what the user chooses of the encodings that fit.

import { say } from "./say.js";

const SAMPLE = 60; // characters of a preview
const BAD_LINES = 3;
// How files begin that are no text: workbooks and archives, packed files, PDF, Parquet, the old Excel's.
const NO_TEXT = [[0x50, 0x4b, 3, 4], [0x1f, 0x8b], [0x25, 0x50, 0x44, 0x46], [0x50, 0x41, 0x52, 0x31], [0xd0, 0xcf, 0x11, 0xe0]];

// An error that the user mends by choosing; options: [{ label, settings }].
export class Choice extends Error {
  constructor(message, options) {
    super(message);
    this.options = options;
  }
}

// Returns the text of a file. An encoding other than UTF-8 must have been chosen.
export function decode(bytes, encoding = "utf-8") {
  if (NO_TEXT.some((start) => start.every((byte, place) => bytes[place] === byte))) throw new Error(say("binary"));
  const text = decoded(bytes, encoding);
  if (text !== null) return text;
  const options = likely(bytes).flatMap((name) => {
    const content = decoded(bytes, name);
    if (content === null) return [];
    const sample = content.split(/\r?\n/).find((line) => /[^\0-\x7f]/.test(line)) ?? content;
    return [{ label: `${name.toUpperCase()}: ${sample.slice(0, SAMPLE)}`, settings: { encoding: name } }];
  });
  if (options.length) {
    const names = options.map(({ settings }) => settings.encoding.toUpperCase()).join(" / ");
    throw new Choice(say("encoding", names), options);
  }
  throw new Error(bytes.includes(0) ? say("binary") : say("notUtf8", badLines(bytes).join(", ")));
}

function decoded(bytes, encoding) {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

function isUtf8(bytes) {
  return decoded(bytes.filter(Boolean), "utf-8") !== null;
}

function likely(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return ["utf-16le"];
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return ["utf-16be"];
  if (bytes.includes(0)) {
    // The upper byte of a Latin letter is zero. Text with a stray NUL is UTF-8 else, and few of its bytes are zero.
    const zeros = [0, 0];
    bytes.forEach((byte, place) => (zeros[place % 2] += byte === 0));
    if (4 * (zeros[0] + zeros[1]) < bytes.length && isUtf8(bytes)) return [];
    return [zeros[1] > zeros[0] ? "utf-16le" : "utf-16be"];
  }
  // Chinese in UTF-8 with a few bad bytes may decode as something else, but is not that.
  const lines = split(bytes).filter((line) => line.some((byte) => byte > 0x7f));
  const chinese = lines.filter((line) => /[\u0800-\uffff]/.test(decoded(line, "utf-8") ?? ""));
  return 10 * chinese.length > lines.length ? [] : ["gb18030", "big5"];
}

function badLines(bytes) {
  const numbers = [...split(bytes).entries()].filter(([, line]) => decoded(line, "utf-8") === null).map(([place]) => place + 1);
  return [...numbers.slice(0, BAD_LINES), ...(numbers.length > BAD_LINES ? ["…"] : [])];
}

function split(bytes) {
  const lines = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}
