// What happens, as it happens: one stream of events makes the rows and the charts.
"use strict";

const SLOTS = 60;
const ROWS = 100;

const rows = new Map(); // a request's id → its row
let series = { step_ms: 10_000, first: Math.floor(Date.now() / 10_000) - SLOTS, slots: [] };

// === The stream ===

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("state", (event) => restart(JSON.parse(event.data)));
  events.addEventListener("change", (event) => change(JSON.parse(event.data)));
  events.onopen = () => tell("on", "live");
  events.onerror = () => {
    tell("lost", "not connected");
    // A browser gives up by itself where the answer was no stream.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

function tell(state, text) {
  const live = document.getElementById("live");
  live.dataset.state = state;
  live.textContent = text;
}

function restart(state) {
  rows.clear();
  document.getElementById("rows").replaceChildren();
  for (const record of state.records.sort((a, b) => a.id - b.id)) show(record);
  series = state.series;
  advance();
  draw();
}

function change({ record, slot }) {
  const known = rows.has(record.id);
  const row = show(record);
  if (!known) row.classList.add("fresh");
  if (slot) {
    advance();
    const [number, value] = slot;
    if (number >= series.first) series.slots[number - series.first] = value;
    draw();
  }
}

// === Rows ===

/** Shows what is known of a request, in the row that it has or in a new one. */
function show(record) {
  const row = rows.get(record.id) ?? place(record);
  row.classList.toggle("open", record.outcome === "open");
  row.replaceChildren(
    cell("soft", new Date(record.begun_ms).toLocaleTimeString([], { hour12: false })),
    request(record),
    model(record),
    status(record),
    cell("number", record.ttfb_ms === null ? "" : span(record.ttfb_ms)),
    cell("number total", record.total_ms === null ? "" : span(record.total_ms)),
    cell("number", record.tokens ? `${short(record.tokens.input)} → ${short(record.tokens.output)}` : ""),
  );
  return row;
}

/** A new row below those of later requests; the oldest one goes if there are too many. */
function place(record) {
  const body = document.getElementById("rows");
  const row = element("tr", "", "");
  row.dataset.id = record.id;
  row.dataset.begun = record.begun_ms;
  const older = [...body.rows].find((other) => Number(other.dataset.id) < record.id);
  body.insertBefore(row, older ?? null);
  rows.set(record.id, row);
  while (body.rows.length > ROWS) {
    rows.delete(Number(body.lastElementChild.dataset.id));
    body.lastElementChild.remove();
  }
  document.getElementById("none").hidden = true;
  return row;
}

function request(record) {
  const td = cell("path");
  td.title = `${record.method} ${record.path}`;
  td.append(element("span", "soft", `${record.method} `), record.path);
  return td;
}

function model(record) {
  const td = cell();
  if (record.model) td.append(record.model);
  if (record.deployment) td.append(element("span", "soft", " → "), record.deployment);
  if (record.upstream) td.title = record.upstream;
  else if (record.outcome !== "open" && !record.reason) td.append(element("span", "soft", "answered here"));
  return td;
}

function status(record) {
  const td = cell();
  if (record.status === null) {
    const [kind, text] = record.outcome === "open" ? ["waiting soft", "waiting"] : ["warn", "no answer"];
    td.append(element("span", kind, text));
  } else {
    const kind = record.status >= 500 ? "bad" : record.status >= 400 ? "warn" : "good";
    td.append(element("span", kind, record.status));
  }
  if (record.stream) td.append(element("span", "mark", record.outcome === "open" ? "streaming" : "stream"));
  if (record.reason) td.append(element("span", "mark", record.reason));
  if (record.outcome === "cancelled") td.append(element("span", "mark warn", "client left"));
  if (record.outcome === "broken") td.append(element("span", "mark bad", "broke off"));
  return td;
}

function cell(kind = "", text = "") {
  return element("td", kind, text);
}

function element(name, kind, text) {
  const made = document.createElement(name);
  made.className = kind;
  made.textContent = text;
  return made;
}

// === Charts ===

/** Adds the slots that time has moved into, and forgets those that it has left; whether there were any. */
function advance() {
  const last = Math.floor(Date.now() / series.step_ms);
  const behind = series.first + series.slots.length <= last;
  while (series.first + series.slots.length <= last) {
    series.slots.push({ requests: 0, failed: 0, answered: 0, ttfb_ms: 0, slowest_ms: 0, input: 0, output: 0 });
    if (series.slots.length > SLOTS) {
      series.slots.shift();
      series.first += 1;
    }
  }
  return behind;
}

function draw() {
  const total = (of) => series.slots.reduce((sum, slot) => sum + of(slot), 0);
  const [requests, failed, answered] = [total((s) => s.requests), total((s) => s.failed), total((s) => s.answered)];
  const [input, output] = [total((s) => s.input), total((s) => s.output)];
  const mean = answered ? span(Math.round(total((s) => s.ttfb_ms) / answered)) : "–";
  chart("rate", `${requests}`, `${requests} requests, ${failed} failed`, short, [
    ["first", (s) => s.requests],
    ["failed", (s) => s.failed],
  ]);
  chart("latency", `mean ${mean}`, `mean time to first byte ${mean}`, span, [
    ["second", (s) => s.slowest_ms],
    ["first", (s) => (s.answered ? s.ttfb_ms / s.answered : 0)],
  ]);
  chart("tokens", short(input + output), `${input} tokens in, ${output} tokens out`, short, [
    ["second", (s) => s.input + s.output],
    ["first", (s) => s.input],
  ]);
}

/** Bars, those of a later layer in front of those of an earlier one. */
function chart(id, now, label, unit, layers) {
  const [width, height] = [300, 72];
  const most = Math.max(1, ...series.slots.map((slot) => Math.max(...layers.map(([, value]) => value(slot)))));
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", label);
  for (const [kind, value] of layers) {
    series.slots.forEach((slot, at) => {
      const tall = (value(slot) / most) * (height - 2);
      if (tall === 0) return;
      const bar = { x: at * (width / SLOTS) + 0.5, width: width / SLOTS - 1, rx: 0.8, class: kind };
      svg.append(drawn("rect", { ...bar, y: height - Math.max(tall, 1.5), height: Math.max(tall, 1.5) }));
    });
  }
  const figure = document.getElementById(id);
  figure.querySelector("output").textContent = now;
  const scale = element("div", "scale", "");
  const words = ["10 min ago", `highest ${unit(Math.round(most))}`, "now"];
  scale.append(...words.map((word) => element("span", "", word)));
  figure.replaceChildren(figure.querySelector("figcaption"), svg, scale);
}

function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// === Words ===

function span(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} m ${String(Math.floor(ms / 1000) % 60).padStart(2, "0")} s`;
}

function short(count) {
  if (count < 1000) return `${count}`;
  if (count < 1_000_000) return `${(Math.floor(count / 100) / 10).toFixed(1)}k`;
  return `${(Math.floor(count / 100_000) / 10).toFixed(1)}M`;
}

// === Copying ===

async function copy(button) {
  const text = button.closest(".snippet").querySelector("pre");
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    // No clipboard without leave: the text is marked for the person to copy.
    getSelection().selectAllChildren(text);
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

function tick() {
  if (advance()) draw();
  for (const row of document.querySelectorAll("tr.open")) {
    row.querySelector(".total").textContent = span(Math.max(0, Date.now() - Number(row.dataset.begun)));
  }
}

for (const button of document.querySelectorAll(".snippet button")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
if (/Win/.test(navigator.platform)) document.getElementById("powershell").checked = true;
listen();
setInterval(tick, 1000);
