// Asks the REST interface of TensorFlow Serving on this server, and nothing else. Whatever comes from a text,
// a file or the server reaches the page by textContent only.

import { decode } from "./encoding.js";
import { csvCell, parse } from "./files.js";
import { language, say, switchLanguage } from "./say.js";

const ROWS_A_REQUEST = 32;
const ROWS_SHOWN = 200;
const LABELS_SHOWN = 12;
const WORDS_ON_TOP = 6;
const LOST_SHOWN = 5;
const FAINT = 0.1; // of the largest attribution: below it a word is not marked

const $ = (id) => document.getElementById(id);
const model = { name: "", labels: [], pair: false, explains: false, rejects: false };
let asked = new AbortController(); // the text that is being answered
let reading = new AbortController(); // the file that is being answered
let answer = null; // { features, prediction, explanation, failure }
let table = []; // { text, pair, prediction } of the file

function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = name;
  return made;
}

function show(id, text) {
  $(id).textContent = text;
  $(id).hidden = !text;
}

const inputs = () => (model.pair ? ["text", "pair"] : ["text"]);
const percent = (value) => `${(100 * value).toFixed(1)}%`;
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

// The server

async function request(path, options) {
  let response, body;
  try {
    response = await fetch(`v1/models/${encodeURIComponent(model.name)}${path}`, options);
    body = await response.text();
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(say("unreachable"));
  }
  let content = {};
  try {
    content = JSON.parse(body);
  } catch {
    content = { error: body.slice(0, 500) };
  }
  if (!response.ok || content.error) throw new Error(say("answered", response.status, content.error ?? ""));
  return content;
}

async function predict(signature, instances, signal) {
  const body = JSON.stringify({ signature_name: signature, instances });
  const headers = { "Content-Type": "application/json" };
  return (await request(":predict", { method: "POST", headers, body, signal })).predictions;
}

async function learn() {
  try {
    const response = await fetch("page.json");
    model.name = (await response.json()).model;
    const { metadata } = await request("/metadata");
    const signatures = metadata.signature_def.signature_def;
    model.pair = "pair" in signatures.serving_default.inputs;
    model.explains = "explain" in signatures;
    model.rejects = "accepted" in signatures.serving_default.outputs;
    // An empty tf.Example stands for an empty text. What counts is the names of the labels.
    model.labels = (await predict("classify", [{ b64: "" }]))[0].classes;
  } catch (error) {
    show("problem", error instanceof TypeError ? say("unreachable") : error.message);
  }
  render();
}

// One text

async function classify() {
  asked.abort();
  const mine = (asked = new AbortController());
  const features = { text: $("text").value };
  if (model.pair) features.pair = $("pair").value;
  show("error", "");
  $("classify").disabled = true;
  $("classify").textContent = say("working");
  try {
    const [prediction] = await predict("serving_default", [features], mine.signal);
    answer = { features, prediction, explanation: null, failure: "" };
    renderAnswer();
    await explain("", mine);
  } catch (error) {
    if (error.name === "AbortError") return;
    answer = null;
    renderAnswer();
    show("error", error.message);
  } finally {
    if (mine === asked) {
      $("classify").disabled = false;
      $("classify").textContent = say("classify");
    }
  }
}

async function explain(label, controller) {
  if (!model.explains) return;
  const explained = answer;
  try {
    const instance = { ...explained.features, label };
    [explained.explanation] = await predict("explain", [instance], controller.signal);
    explained.failure = "";
  } catch (error) {
    if (error.name === "AbortError") return;
    explained.explanation = null;
    explained.failure = say("noExplanation", error.message);
  }
  if (explained === answer) renderAnswer();
}

function choose(label) {
  asked.abort();
  explain(label, (asked = new AbortController()));
}

function renderAnswer() {
  $("result").hidden = !answer;
  if (!answer) return;
  const { prediction, explanation, failure } = answer;
  $("label").textContent = prediction.label || say("none");
  show("unsure", prediction.accepted === false ? say("unsure") : "");
  renderBars(prediction.probabilities, explanation?.label);
  $("bars-hint").hidden = !model.explains;
  show("error", failure);
  $("explanation").hidden = !explanation;
  if (explanation) renderExplanation(explanation);
}

function renderBars(probabilities, chosen) {
  const order = probabilities.map((value, place) => [value, place]).sort((a, b) => b[0] - a[0]);
  const focused = document.activeElement?.closest?.("#bars button")?.dataset.label;
  const bars = order.slice(0, LABELS_SHOWN).map(([value, place]) => {
    const label = model.labels[place] ?? String(place);
    const button = element("button");
    button.type = "button";
    button.disabled = !model.explains;
    button.dataset.label = label;
    button.setAttribute("aria-pressed", String(label === chosen));
    button.append(element("span", label, "name"), element("span", percent(value), "value"), bar(value));
    button.addEventListener("click", () => choose(label));
    const item = element("li");
    item.append(button);
    return item;
  });
  $("bars").replaceChildren(...bars);
  if (focused !== undefined) [...$("bars").querySelectorAll("button")].find((b) => b.dataset.label === focused)?.focus();
  show("more", order.length > LABELS_SHOWN ? say("more", order.length - LABELS_SHOWN) : "");
}

function bar(share, name = "") {
  const outer = element("span", "", `bar ${name}`);
  const inner = element("i");
  inner.style.setProperty("--share", String(Math.min(Math.max(share, 0), 1)));
  outer.append(inner);
  outer.setAttribute("aria-hidden", "true");
  return outer;
}

function renderExplanation(explanation) {
  const texts = [["words", "attributions"], ["pair_words", "pair_attributions"]]
    .filter(([words]) => words in explanation)
    .map(([words, values]) =>
      explanation[words].map((word, place) => [word, explanation[values][place]]).filter(([word]) => word));
  const all = texts.flat();
  const largest = Math.max(...all.map(([, value]) => Math.abs(value)), 0);
  $("words-title").textContent = say("words", explanation.label);
  // An older export does not say how many tokens there are.
  const { tokens = 0, tokens_read: read = tokens } = explanation;
  show("cut", read < tokens ? say("cut", read, tokens) : "");
  $("words").replaceChildren(...texts.map((words) => marked(words, largest)));
  if (!all.length) $("words").replaceChildren(element("p", say("noWords"), "hint"));
  const top = all.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, WORDS_ON_TOP);
  $("top").replaceChildren(...top.map(([word, value]) => {
    const item = element("li");
    const share = largest ? Math.abs(value) / largest : 0;
    item.append(element("span", word, "name"), element("span", signed(value), "value"), bar(share, value < 0 ? "minus" : "plus"));
    return item;
  }));
  const { score, baseline_score: baseline, error } = explanation;
  const notes = [say("note", signed(score), signed(baseline))];
  if (error > Math.max(0.01 * Math.abs(score - baseline), 0.001)) notes.push(say("missed", error.toFixed(3)));
  $("note").textContent = notes.join(" ");
}

function marked(words, largest) {
  const line = element("p");
  let before = "";
  for (const [word, value] of words) {
    if (needsSpace(before, word)) line.append(" ");
    const strength = largest ? Math.abs(value) / largest : 0;
    const span = element("span", word, `word ${strength < FAINT ? "" : value > 0 ? "for" : "against"}`);
    span.style.setProperty("--strength", strength.toFixed(3));
    span.title = signed(value);
    line.append(span);
    before = word;
  }
  return line;
}

function needsSpace(before, word) {
  const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef]/u;
  return Boolean(before) && !/^\p{P}/u.test(word) && !wide.test(before.at(-1)) && !wide.test(word[0]);
}

// A file

// `settings` are what the user chose: an encoding, a column.
async function classifyFile(file, settings = {}) {
  reading.abort();
  const mine = (reading = new AbortController());
  table = [];
  renderTable();
  show("file-error", "");
  show("file-notice", "");
  $("choices").hidden = true;
  $("file-name").textContent = $("file-name").dataset.chosen = file.name;
  try {
    const content = decode(new Uint8Array(await file.arrayBuffer()), settings.encoding);
    const rows = parse(file.name.toLowerCase(), content, inputs(), settings.column);
    if (!rows.length) throw new Error(say("empty"));
    const lost = rows.flatMap((row, place) => (inputs().some((name) => row[name].includes("\ufffd")) ? [place + 1] : []));
    if (lost.length) show("file-notice", say("lost", [...lost.slice(0, LOST_SHOWN), ...(lost.length > LOST_SHOWN ? ["…"] : [])].join(", ")));
    $("working").hidden = $("cancel").hidden = false;
    for (let start = 0; start < rows.length; start += ROWS_A_REQUEST) {
      progress(start, rows.length);
      const part = rows.slice(start, start + ROWS_A_REQUEST);
      const predictions = await predict("serving_default", part, mine.signal);
      if (mine !== reading) return;
      part.forEach((row, place) => table.push({ ...row, prediction: predictions[place] }));
    }
  } catch (error) {
    if (mine === reading && error.name !== "AbortError") {
      show("file-error", error.message);
      offer(error.options ?? [], (chosen) => classifyFile(file, { ...settings, ...chosen }));
    }
  }
  if (mine !== reading) return;
  $("working").hidden = $("cancel").hidden = true;
  renderTable();
}

function offer(options, take) {
  $("choices").hidden = !options.length;
  $("choices").replaceChildren(...options.map(({ label, settings }) => {
    const button = element("button", label, "quiet");
    button.type = "button";
    button.addEventListener("click", () => take(settings));
    return button;
  }));
}

function progress(done, rows) {
  $("progress").value = done / rows;
  $("count").textContent = say("progress", done, rows);
}

function renderTable() {
  $("answers").hidden = !table.length;
  const names = [...inputs(), "label", "probability", ...(model.rejects ? ["accepted"] : [])];
  const heads = ["#", ...names.map((name) => say(name))];
  const numbers = [0, heads.indexOf(say("probability"))];
  $("columns").replaceChildren(...heads.map((head, place) => element("th", head, numbers.includes(place) ? "number" : "")));
  for (const head of $("columns").children) head.scope = "col";
  $("rows").replaceChildren(...table.slice(0, ROWS_SHOWN).map(({ text, pair, prediction }, place) => {
    const row = element("tr");
    row.append(element("td", String(place + 1), "number"), element("td", text, "text"));
    if (model.pair) row.append(element("td", pair, "text"));
    row.append(element("td", prediction.label), element("td", percent(prediction.score), "number"));
    if (model.rejects) row.append(element("td", say(prediction.accepted ? "yes" : "no")));
    return row;
  }));
  const counts = new Map();
  for (const { prediction: { label } } of table) counts.set(label, (counts.get(label) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, LABELS_SHOWN);
  const parts = [say("rows", table.length), ...most.map(([label, count]) => `${label || say("none")} ${count}`)];
  if (table.length > ROWS_SHOWN) parts.push(say("first", ROWS_SHOWN));
  $("summary").textContent = parts.join(" · ");
}

function download() {
  const names = model.labels.map((label) => `p(${label})`);
  const rejects = model.rejects ? ["accepted"] : [];
  const lines = [[...inputs(), "label", "score", ...rejects, ...names].map(csvCell)];
  for (const row of table) {
    const { label, score, accepted, probabilities } = row.prediction;
    const cells = [...inputs().map((name) => csvCell(row[name])), csvCell(label), score];
    lines.push([...cells, ...(model.rejects ? [accepted] : []), ...probabilities]);
  }
  // The mark at the start tells Excel that it is UTF-8.
  const content = `\ufeff${lines.map((line) => line.join(",")).join("\r\n")}\r\n`;
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
  link.download = `${model.name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// The page

function render() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(each.dataset.say);
  if ($("classify").disabled) $("classify").textContent = say("working");
  $("language").textContent = language === "zh" ? "English" : "中文";
  $("language").lang = language === "zh" ? "en" : "zh";
  $("model").textContent = model.name || "kerasbert";
  document.title = model.name ? `${model.name} · kerasbert` : "kerasbert";
  $("pair-field").hidden = !model.pair;
  if (!$("file-name").dataset.chosen) $("file-name").textContent = say("drop");
  $("file-hint").textContent = say(model.pair ? "filePair" : "fileText");
  renderAnswer();
  renderTable();
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  classify();
});
$("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) classify();
});
$("language").addEventListener("click", () => {
  switchLanguage();
  render();
});
$("file").addEventListener("change", () => {
  if ($("file").files.length) classifyFile($("file").files[0]);
});
// The same file may be chosen again.
$("file").addEventListener("click", () => ($("file").value = ""));
$("cancel").addEventListener("click", () => reading.abort());
$("download").addEventListener("click", download);
for (const type of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(type, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", type === "dragover");
    if (type === "drop" && event.dataTransfer.files.length) classifyFile(event.dataTransfer.files[0]);
  });
}

render();
learn();
