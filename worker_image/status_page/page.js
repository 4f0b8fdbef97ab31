// Asks the API with the reader's token every few seconds, and draws what it answers. Text comes into
// the page as text alone: names of tasks and queues are other people's.
"use strict";

const EVERY_MS = 3000;
const TIMEOUT_MS = 10000;
const KEY = "celery-fleet.token";
const HOUR_S = 3600;
const SVG = "http://www.w3.org/2000/svg";
const SHORT_ROWS = 12;
const WIDTH = 300;
const HEIGHT = 72;

const at = (id) => document.getElementById(id);
let timer = null;
let asking = false;
let lastAt = 0;
let settled = false;

function made(tag, text, ...classes) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  element.classList.add(...classes.filter(Boolean));
  return element;
}

function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

const number = (value) => value.toLocaleString("en");

// A cell is [text, class, ...]; the headings name it on a narrow screen.
function fill(table, rows) {
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  table.hidden = rows.length === 0;
  table.tBodies[0].replaceChildren(...rows.map(({ cells, state }) => {
    const row = made("tr", undefined, state);
    row.append(...cells.map(([text, ...classes], n) => {
      const cell = made("td", text, ...classes);
      cell.dataset.name = names[n];
      return cell;
    }));
    return row;
  }));
  table.tHead.querySelectorAll("th").forEach((cell, n) => {
    const words = rows.some(({ cells }) => cells[n].includes("words"));
    cell.classList.toggle("words", words);
  });
}

const count = (value, mark) => [number(value), value === 0 ? "zero" : mark];

function drawQueues(queues) {
  fill(at("queues"), Object.entries(queues).map(([name, queue]) => ({
    state: queue.status,
    cells: [
      [name],
      count(queue.pending, queue.pending > queue.alert_pending ? "trouble" : ""),
      [span(queue.oldest_wait_seconds), queue.oldest_wait_seconds === null ? "zero" : ""],
      count(queue.in_flight),
      count(queue.workers),
      count(queue.done),
      count(queue.failed),
      count(queue.redelivered),
      count(queue.dead_letters, "trouble"),
    ],
  })));
}

function drawWorkers(workers) {
  const rows = Object.entries(workers).map(([name, worker]) => ({
    cells: [
      [worker.draining ? `${name} (ending)` : name],
      [worker.queues.join(", "), "words", "wide"],
      count(worker.active),
      count(worker.processed),
      [`${worker.pool}\u00a0×\u00a0${worker.concurrency}`],
      [`${number(Math.round(worker.rss_mib))}\u00a0MiB`],
      [span(worker.uptime_seconds)],
    ],
  }));
  fill(at("workers"), rows);
  at("workers-count").textContent = number(rows.length);
  at("no-workers").hidden = rows.length > 0;
}

function drawRunning(active) {
  const tasks = Object.values(active).flat().sort((a, b) => a.started_at - b.started_at);
  fill(at("running"), tasks.slice(0, 50).map((task) => ({
    cells: [
      [task.name.replace("worker_image.tasks.", "")],
      [task.queue, "words"],
      [task.id, "words", "wide"],
      [span(task.running_seconds)],
    ],
  })));
  at("running-count").textContent = number(tasks.length);
  at("not-running").hidden = tasks.length > 0;
}

function drawTotals(told) {
  const queues = Object.values(told.queues);
  const sum = (field) => queues.reduce((total, queue) => total + queue[field], 0);
  const totals = [
    ["Waiting", told.health.total_queued],
    ["Running", told.health.total_active],
    ["Workers", told.health.workers_connected],
    ["Failed", sum("failed")],
    ["Dead letters", sum("dead_letters")],
  ];
  at("totals").replaceChildren(...totals.map(([name, value]) => {
    const tile = made("div");
    tile.append(made("dt", name), made("dd", number(value)));
    return tile;
  }));
}

function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// A minute without tasks breaks the line; a minute alone is a dot, a line of no length.
function path(minutes, field, x, y) {
  let before = -Infinity;
  return minutes.map((minute) => {
    const joined = minute.at - before <= 60;
    before = minute.at;
    const place = `${x(minute.at + 30).toFixed(1)} ${y(minute[field]).toFixed(1)}`;
    return joined ? `L ${place}` : `M ${place} h 0.01`;
  }).join(" ");
}

function chart(name, minutes, now) {
  const highest = Math.max(...minutes.map((minute) => minute.p95_seconds), 0.001);
  const x = (moment) => WIDTH * (1 - Math.max(0, now - moment) / HOUR_S);
  const y = (wait) => HEIGHT * (1 - wait / highest);
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const height of [0, HEIGHT / 2, HEIGHT]) {
    svg.append(drawn("line", { class: "grid", x1: 0, x2: WIDTH, y1: height, y2: height }));
  }
  for (const field of ["p95", "p50"]) {
    svg.append(drawn("path", { class: field, d: path(minutes, `${field}_seconds`, x, y) }));
  }
  const figure = made("figure");
  const caption = made("figcaption");
  const tasks = minutes.reduce((total, minute) => total + minute.tasks, 0);
  caption.append(made("b", name), made("span", `${number(tasks)} tasks, up to ${span(highest)}`));
  const axis = made("div", undefined, "axis");
  axis.append(made("span", "60 min ago"), made("span", "now"));
  figure.append(caption, svg, axis);
  return figure;
}

function drawWaits(waits, now) {
  const names = Object.keys(waits).filter((name) => waits[name].length > 0);
  const charts = names.map((name) => chart(name, waits[name], now));
  at("waits").replaceChildren(...(charts.length ? charts : [made("p", "No task ended in the last hour.", "hint")]));
}

function draw(told) {
  lastAt = Date.now();
  show(told.health.status, told.health.status);
  document.title = `celery-fleet: ${told.health.status}`;
  at("warnings").replaceChildren(...told.health.warnings.map((line) => made("li", line)));
  drawTotals(told);
  drawQueues(told.queues);
  drawWaits(told.waits, told.at);
  drawWorkers(told.workers);
  drawRunning(told.active);
  if (!settled) settle();
}

// A long list opens when the reader wants it; what they opened or closed stays so.
function settle() {
  for (const name of ["workers", "running"]) {
    at(`${name}-part`).open = at(name).tBodies[0].rows.length <= SHORT_ROWS;
  }
  settled = true;
}

function show(state, text) {
  at("state").className = `pill ${state}`;
  at("state").textContent = text;
  document.body.classList.toggle("stale", state === "away" && lastAt > 0);
}

function tellAge() {
  at("age").textContent = lastAt ? `${Math.round((Date.now() - lastAt) / 1000)} s ago` : "";
}

function askForToken(why) {
  clearTimeout(timer);
  sessionStorage.removeItem(KEY);
  lastAt = 0;
  show("", "token wanted");
  tellAge();
  for (const id of ["fleet", "leave"]) at(id).hidden = true;
  at("ask").hidden = false;
  at("refused").hidden = !why;
  at("refused").textContent = why;
  at("token").value = "";
  at("token").focus();
}

async function look() {
  const token = sessionStorage.getItem(KEY);
  if (!token) return askForToken("");
  if (asking) return undefined;
  asking = true;
  clearTimeout(timer);
  try {
    const answer = await fetch("/api/v1/fleet/overview", {
      headers: { Authorization: `Bearer ${token}` },
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.status === 401) return askForToken("The API does not know this token.");
    if (answer.ok) {
      draw(await answer.json());
      at("ask").hidden = true;
      for (const id of ["fleet", "leave"]) at(id).hidden = false;
    } else {
      show("away", answer.status === 503 ? "broker away" : `error ${answer.status}`);
    }
  } catch {
    show("away", "no answer");
  } finally {
    asking = false;
  }
  tellAge();
  if (document.visibilityState === "visible") timer = setTimeout(look, EVERY_MS);
  return undefined;
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, at("token").value.trim());
  look();
});
at("leave").addEventListener("click", () => askForToken(""));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") look();
});
setInterval(tellAge, 1000);
look();
