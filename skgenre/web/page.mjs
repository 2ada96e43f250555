// The page: songs come in, and what the worker says of them is shown.

import { decode } from "./sound.mjs";

const N_COLORS = 9;
const N_BARS = 10;
const N_RANKS = 3;
const [BAR, GAP] = [3, 1];
const PEAKS_PER_SECOND = 50;

const $ = (id) => document.getElementById(id);
const audio = new Audio();
const songs = [];
let info, selected, isWorking, wantsTags;

const worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
const calls = [];
// it answers one call after the other
worker.onmessage = ({ data: [answer, error] }) => {
  const { resolve, reject } = calls.shift();
  if (error === undefined) resolve(answer);
  else reject(new Error(error));
};
worker.onerror = () => fail("This browser cannot run the model. Try a newer one.");

function call(name, ...args) {
  return new Promise((resolve, reject) => {
    calls.push({ resolve, reject });
    worker.postMessage([name, ...args]);
  });
}

async function fetchBytes(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`the web server has no ${name}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function openModel(name, getBytes) {
  $("status").textContent = "Getting ready …";
  try {
    info = await call("open", await getBytes());
    $("model").textContent = name;
    songs.forEach(forget);
    showCard();
    show();
  } catch (error) {
    complain(name, error);
  }
  $("status").textContent = info ? "Ready" : "There is no model";
  work();
}

function forget(song) {
  Object.assign(song, { answer: null, tags: null, error: null, isHeard: false });
  Object.assign(song, { peaks: [], stretches: [] });
}

function add(files) {
  $("errors").replaceChildren();
  const models = files.filter(({ name }) => /\.onnx$/i.test(name));
  const added = files.filter((file) => !models.includes(file)).map((file) => ({ file }));
  added.forEach(forget);
  songs.push(...added);
  if (added.length) select(added[0]);
  for (const file of models) {
    openModel(file.name, async () => new Uint8Array(await file.arrayBuffer()));
  }
}

function select(song) {
  selected = song;
  audio.pause();
  URL.revokeObjectURL(audio.src);
  audio.src = URL.createObjectURL(song.file);
  show();
  work();
}

/** Judge all songs first, and then hear the one that is shown to its end. */
async function work() {
  if (isWorking || !info) return;
  isWorking = true;
  for (let todo; (todo = findWork()); show()) {
    $("status").textContent = `Listening to ${todo.song.file.name} …`;
    const used = info;
    try {
      await todo.run(todo.song, () => info === used);
    } catch (error) {
      if (info !== used) continue;
      todo.song.error = error.message;
      complain(todo.song.file.name, error);
    }
  }
  isWorking = false;
  const { answer, file } = selected ?? {};
  $("status").textContent = answer ? `${file.name}: ${answer.genre}, ${sure(answer)}` : "Ready";
}

function findWork() {
  const song = songs.find(isWaiting) ?? selected;
  if (!song || song.error) return null;
  if (!song.isHeard) return { song, run: hear };
  return wantsTags && info.givesTags && !song.tags ? { song, run: tag } : null;
}

function isWaiting(song) {
  return !song.answer && !song.error;
}

async function hear(song, isCurrent) {
  const isWanted = () =>
    isCurrent() && (!song.answer || (song === selected && !songs.some(isWaiting)));
  const take = async (isAtEnd) => {
    for (let news; isWanted() && (news = await call("next", isAtEnd)) && isCurrent(); show()) {
      song.answer ??= news.answer;
      song.stretches.push(...news.stretches);
    }
  };
  Object.assign(song, { peaks: [], stretches: [] });
  await call("begin", Boolean(song.answer));
  for await (const { channels, rate } of decode(song.file)) {
    song.peaks.push(...(await call("hear", channels, rate)));
    show();
    await take(false);
    if (!isWanted()) return;
  }
  await take(true);
  song.isHeard = isWanted();
}

async function tag(song) {
  await call("begin", true);
  let seconds = 0;
  for await (const { channels, rate } of decode(song.file)) {
    await call("hear", channels, rate);
    seconds += channels[0].length / rate;
    if (seconds >= info.segments.duration) break;
  }
  song.tags = await call("tags", await fetchBytes("musicnn_msd.onnx"));
}

function complain(name, error) {
  fail(`${name}: ${error.message}.`);
}

function fail(message) {
  $("errors").append(make("p", { textContent: message }));
}

// What is shown.

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function percent(share) {
  return `${Math.round(100 * share)}%`;
}

function sure({ probabilities }) {
  return `${percent(Math.max(...probabilities))} sure`;
}

function clock(seconds) {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return `${minutes}:${String(rest).padStart(2, "0")}`;
}

/** Return the class of a genre's colour. */
function color(genre) {
  const place = info.genres.indexOf(genre);
  return place < 0 ? "none" : `color-${place % N_COLORS}`;
}

function rank({ probabilities }) {
  return info.genres
    .map((name, i) => ({ name, probability: probabilities[i], color: color(name) }))
    .sort((a, b) => b.probability - a.probability);
}

function show() {
  $("song").hidden = !selected || Boolean(selected.error);
  $("all").hidden = songs.length < 2;
  document.body.classList.toggle("has-songs", songs.length > 0);
  $("rows").replaceChildren(...songs.map(makeRow));
  if ($("song").hidden) return;
  const { file, answer, tags } = selected;
  $("name").textContent = file.name;
  $("genre").textContent = answer ? answer.genre : "Listening …";
  $("confidence").textContent = answer ? sure(answer) : "";
  $("genres").replaceChildren(...(answer ? rank(answer) : []).slice(0, N_BARS).map(makeBar));
  $("tagging").hidden = !info?.givesTags;
  $("about-tags").hidden = wantsTags;
  const likeliest = (tags ?? []).toSorted((a, b) => b.probability - a.probability);
  $("tags").replaceChildren(...likeliest.slice(0, N_BARS).map(makeBar));
  $("band").replaceChildren(...joinStretches(selected.stretches).map(makeStretch));
  draw();
}

function makeBar({ name, probability, color }) {
  const bar = make("span", { className: `bar ${color ?? "plain"}` });
  bar.style.width = percent(probability);
  return make(
    "li",
    {},
    make("span", { textContent: name }),
    make("span", { className: "track" }, bar),
    make("span", { className: "number", textContent: percent(probability) }),
  );
}

/** Join those of one genre that follow one another; their confidence is the mean. */
function joinStretches(stretches) {
  const joined = [];
  for (const { start, end, genre, confidence } of stretches) {
    if (joined.at(-1)?.genre !== genre) joined.push({ start, genre, confidences: [] });
    joined.at(-1).end = end;
    joined.at(-1).confidences.push(confidence);
  }
  return joined;
}

function makeStretch({ start, end, genre, confidences }) {
  const mean = confidences.reduce((a, b) => a + b, 0) / confidences.length;
  const what = genre === null ? "nothing to hear" : `${genre}, ${percent(mean)} sure`;
  const button = make("button", {
    type: "button",
    className: color(genre),
    textContent: genre ?? "",
    title: `${clock(start)} to ${clock(end)}: ${what}`,
    onclick: () => {
      audio.currentTime = start;
      audio.play();
    },
  });
  button.ariaLabel = button.title;
  button.style.width = `${(100 * (end - start)) / duration()}%`;
  return button;
}

function makeRow(song) {
  const { file, answer, error } = song;
  const [first, second] = answer ? rank(answer) : [];
  const name = make("button", { type: "button", textContent: file.name, onclick: () => select(song) });
  if (song === selected) name.ariaCurrent = "true";
  const cells = answer
    ? [answer.genre, percent(first.probability), `${second.name} ${percent(second.probability)}`]
    : [error ?? "waiting", "", ""];
  return make(
    "tr",
    { className: error ? "failed" : "" },
    make("th", { scope: "row" }, name),
    ...cells.map((textContent) => make("td", { textContent })),
  );
}

/** Return all answers in the form of `skgenre predict --format csv`. */
function asCsv() {
  const n = Math.min(N_RANKS, info.genres.length);
  const ranks = Array.from({ length: n }, (_, i) => (i ? `_${i + 1}` : ""));
  const header = ["path", ...ranks.flatMap((end) => [`genre${end}`, `confidence${end}`]), "error"];
  const rows = songs.map(({ file, answer, error }) => {
    const named = (answer ? rank(answer) : Array(n).fill({ name: "" })).slice(0, n);
    const cells = named.flatMap(({ name, probability }) => [name, probability?.toFixed(4) ?? ""]);
    if (answer) cells[0] = answer.genre;
    // no spreadsheet takes such a name for a formula
    return [file.name.replace(/^(?=[=+@-])/, "./"), ...cells, error ?? ""];
  });
  const quote = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return [header, ...rows].map((row) => `${row.map(String).map(quote).join()}\n`).join("");
}

function showCard() {
  const { genres, sr, segments, aggregate, learned_from: learned, scores, made_by: made } = info;
  const number = (value) => value.toLocaleString("en");
  const facts = {
    Genres: genres.join(", "),
    "Learned from": learned.n_songs
      ? `${number(learned.n_songs)} songs` +
        (learned.n_artists ? ` of ${number(learned.n_artists)} artists` : "")
      : "not told",
    ...Object.fromEntries(
      scores.map(({ protocol, accuracy, low, high }) => [
        `Right, by the protocol ${protocol}`,
        `${percent(accuracy)} of songs` + (low ? `, ${percent(low)} to ${percent(high)}` : ""),
      ]),
    ),
    Hears: segments.duration ? `the first ${segments.duration} s, at ${sr} Hz` : `all, at ${sr} Hz`,
    Judges: aggregate === "song" ? "the song as a whole" : `segments, joined by ${aggregate}`,
    Made: `${made.date}, ${made.recipe ?? made.estimator}`,
  };
  const items = Object.entries(facts).flatMap(([name, text]) => [
    make("dt", { textContent: name }),
    make("dd", { textContent: text }),
  ]);
  $("facts").replaceChildren(...items);
}

function duration() {
  const heard = selected.stretches.at(-1)?.end ?? 0;
  return Math.max(Number.isFinite(audio.duration) ? audio.duration : 0, heard) || 1;
}

function draw() {
  const canvas = $("wave");
  const { width, height } = canvas.getBoundingClientRect();
  const context = canvas.getContext("2d");
  Object.assign(canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio });
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(canvas);
  const n = Math.floor(width / (BAR + GAP));
  const perBar = (duration() * PEAKS_PER_SECOND) / n;
  const loudest = Math.max(selected.peaks.reduce((a, b) => Math.max(a, b), 0), 0.01);
  for (let i = 0; i < n; i++) {
    const part = selected.peaks.slice(Math.floor(i * perBar), Math.ceil((i + 1) * perBar));
    const size = Math.max(2, (part.reduce((a, b) => Math.max(a, b), 0) / loudest) * height);
    const isPlayed = (i + 0.5) / n < audio.currentTime / duration();
    context.fillStyle = style.getPropertyValue(isPlayed ? "--accent" : "--faint");
    context.fillRect(i * (BAR + GAP), (height - size) / 2, BAR, size);
  }
  const [now, all] = [audio.currentTime, duration()];
  Object.assign($("position"), { max: all, value: now });
  $("position").ariaValueText = `${clock(now)} of ${clock(all)}`;
  $("time").textContent = `${clock(now)} / ${clock(all)}`;
  $("play").classList.toggle("playing", !audio.paused);
  $("play").ariaLabel = audio.paused ? "Play" : "Pause";
}

// What people do.

for (const event of ["timeupdate", "play", "pause", "loadedmetadata", "seeked"]) {
  audio.addEventListener(event, () => selected && draw());
}
new ResizeObserver(() => selected && draw()).observe($("wave"));
matchMedia("(prefers-color-scheme: dark)").onchange = () => selected && draw();
$("play").onclick = () => (audio.paused ? audio.play() : audio.pause());
$("position").oninput = ({ target }) => (audio.currentTime = target.value);
$("files").onchange = ({ target }) => {
  add([...target.files]);
  target.value = "";
};
$("show-tags").onclick = () => {
  wantsTags = true;
  show();
  work();
};
$("save").onclick = () => {
  const url = URL.createObjectURL(new Blob([asCsv()], { type: "text/csv" }));
  make("a", { href: url, download: "genres.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
};
for (const event of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(event, (happened) => {
    happened.preventDefault();
    document.body.classList.toggle("is-over", event === "dragover" || event === "dragenter");
    if (event === "drop") add([...happened.dataTransfer.files]);
  });
}

openModel(document.body.dataset.model, () => fetchBytes("model.onnx"));
