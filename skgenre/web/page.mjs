// The page: songs come in, and what the worker says of them is shown.

import { decode } from "./sound.mjs";

const [N_COLORS, N_BARS] = [10, 10];
const CSV_HEADER = "path,genre,confidence,genre_2,confidence_2,genre_3,confidence_3,error";
const PEAKS_PER_SECOND = 50;
const [BAR, GAP, NARROW] = [3, 1, 6]; // pixels; and percent of the band, too little for a name

const $ = (id) => document.getElementById(id);
const isWaiting = (song) => !song.answer && !song.error;
const complain = (message) => $("errors").append(make("p", { textContent: `${message}.` }));
const percent = (share) => `${Math.round(100 * share)}%`;
const twoDigits = (number) => String(Math.floor(number)).padStart(2, "0");
const clock = (seconds) => `${Math.floor(seconds / 60)}:${twoDigits(seconds % 60)}`;
const sure = ({ probabilities }) => `${percent(Math.max(...probabilities))} sure`;
const audio = new Audio();
const songs = [];
let info, shown, isWorking;

const worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
const calls = [];
worker.onmessage = ({ data: [answer, message] }) => {
  const { resolve, reject } = calls.shift();
  if (message === undefined) resolve(answer);
  else reject(new Error(message));
};
worker.onerror = () => complain("This browser cannot run the model; try a newer one");

/** Call a function of the worker, which answers one call after the other. */
function call(name, ...args) {
  return new Promise((resolve, reject) => {
    calls.push({ resolve, reject });
    worker.postMessage([name, ...args]);
  });
}

async function openModel(name, source) {
  $("status").textContent = "Getting ready …";
  try {
    info = await call("open", source);
    $("model").textContent = name;
    songs.forEach(forget);
    showCard();
  } catch (error) {
    complain(`${name}: ${error.message}`);
  }
  $("status").textContent = info ? "Ready" : "There is no model";
  work();
}

function forget(song) {
  const nothing = { answer: null, tags: null, error: null, isHeard: false };
  return Object.assign(song, nothing, { peaks: [], stretches: [] });
}

function add(files) {
  $("errors").replaceChildren();
  const isModel = ({ name }) => /\.onnx$/i.test(name);
  for (const file of files.filter(isModel)) openModel(file.name, file);
  const added = files.filter((file) => !isModel(file)).map((file) => forget({ file }));
  songs.push(...added);
  if (added.length) open(added[0]);
}

function open(song) {
  shown = song;
  URL.revokeObjectURL(audio.src);
  audio.src = URL.createObjectURL(song.file);
  work();
}

/** Judge all songs first, and then hear the one that is shown to its end. */
async function work() {
  show();
  if (isWorking || !info) return;
  isWorking = true;
  for (let song; (song = songs.find(isWaiting) ?? shown) && !song.isHeard && !song.error; show()) {
    $("status").textContent = `Listening to ${song.file.name} …`;
    const used = info;
    try {
      await hear(song, () => info === used);
    } catch (error) {
      if (info !== used) continue;
      Object.assign(song, song.answer ? { isHeard: true } : { error: error.message });
      complain(`${song.file.name}: ${error.message}`);
    }
  }
  isWorking = false;
  const { answer, file } = shown ?? {};
  $("status").textContent = answer ? `${file.name}: ${answer.genre}, ${sure(answer)}` : "Ready";
}

async function hear(song, isCurrent) {
  const isWanted = () =>
    isCurrent() && (!song.answer || (song === shown && !songs.some(isWaiting)));
  const take = async (isAtEnd) => {
    for (let news; isWanted() && (news = await call("next", isAtEnd)) && isCurrent(); show()) {
      song.answer ??= news.answer;
      song.stretches.push(...news.stretches);
      if (isWanted() && song.answer) song.tags ??= await call("tags");
    }
  };
  Object.assign(song, { peaks: [], stretches: [] });
  await call("begin", Boolean(song.answer));
  for await (const { channels, rate } of decode(song.file)) {
    song.peaks.push(...(await call("hear", channels, rate, PEAKS_PER_SECOND)));
    show();
    await take(false);
    if (!isWanted()) return;
  }
  await take(true);
  song.isHeard = isWanted();
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function color(genre) {
  const place = info.genres.indexOf(genre);
  return place < 0 ? "none" : `color-${place % N_COLORS}`;
}

/** Return genres, or what else has a probability, the likeliest first. */
function rank(shares) {
  return shares.toSorted((a, b) => b.probability - a.probability).slice(0, N_BARS);
}

function rankGenres({ probabilities }) {
  const shares = info.genres.map((name, i) => ({ name, probability: probabilities[i] }));
  return rank(shares.map((share) => ({ ...share, color: color(share.name) })));
}

/** Replace what is in an element where it differs, and keep the focus. */
function fill(parent, elements) {
  const before = [...parent.children];
  elements.forEach((element, i) => {
    if (before[i]?.isEqualNode(element)) return;
    const hasFocus = before[i]?.contains(document.activeElement);
    parent.insertBefore(element, before[i]);
    before[i]?.remove();
    if (hasFocus) (element.querySelector("button") ?? element).focus();
  });
  before.slice(elements.length).forEach((old) => old.remove());
}

function show() {
  document.body.classList.toggle("has-songs", songs.length > 0);
  $("all").hidden = songs.length < 2;
  fill($("rows"), songs.map(makeRow));
  $("song").hidden = !shown || Boolean(shown.error);
  if ($("song").hidden) return;
  const { file, answer, tags, stretches } = shown;
  $("name").textContent = file.name;
  $("genre").textContent = answer ? answer.genre : "Listening …";
  $("confidence").textContent = answer ? sure(answer) : "";
  fill($("genres"), answer ? rankGenres(answer).map(makeBar) : []);
  $("tagging").hidden = !tags?.length;
  fill($("tags"), rank(tags ?? []).map(makeBar));
  fill($("band"), joinStretches(stretches).map(makeStretch));
  draw();
}

function makeBar({ name, probability, color = "plain" }) {
  const bar = make("span", { className: `bar ${color}` });
  bar.style.width = percent(probability);
  const track = make("span", { className: "track" }, bar);
  const number = make("span", { className: "number", textContent: percent(probability) });
  return make("li", {}, make("span", { textContent: name }), track, number);
}

/** Join those of one genre that follow one another; their confidence is the mean. */
function joinStretches(stretches) {
  const joined = [];
  for (const { start, end, genre, confidence } of stretches) {
    if (joined.at(-1)?.genre !== genre) joined.push({ start, genre, confidences: [] });
    joined.at(-1).end = end;
    if (confidence !== null) joined.at(-1).confidences.push(confidence);
  }
  return joined;
}

function makeStretch({ start, end, genre, confidences }) {
  const mean = confidences.reduce((a, b) => a + b, 0) / confidences.length;
  const what = genre === null ? "silence" : `${genre}, ${percent(mean)} sure`;
  const title = `${clock(start)} to ${clock(end)}: ${what}`;
  const width = (100 * (end - start)) / duration();
  const textContent = width > NARROW ? genre : "";
  const button = make("button", { className: color(genre), textContent, title, ariaLabel: title });
  button.style.width = `${width}%`;
  button.onclick = () => play(Object.assign(audio, { currentTime: start }));
  return button;
}

function makeRow(song) {
  const { file, answer, error } = song;
  const button = make("button", { textContent: file.name, onclick: () => open(song) });
  button.ariaCurrent = String(song === shown);
  const [first, second] = answer ? rankGenres(answer) : [];
  const cells = answer
    ? [answer.genre, percent(first.probability), `${second.name} ${percent(second.probability)}`]
    : [error ?? "waiting"];
  const colSpan = cells.length === 1 ? 3 : 1;
  const row = make("tr", {}, make("th", { scope: "row" }, button));
  row.append(...cells.map((textContent) => make("td", { textContent, colSpan })));
  row.classList.toggle("failed", Boolean(error));
  return row;
}

/** Return all answers in the form of `skgenre predict --format csv`. */
function asCsv() {
  const rows = songs.map(({ file, answer, error }) => {
    const ranked = answer ? rankGenres(answer) : [];
    const cells = [0, 1, 2].flatMap((i) => [ranked[i]?.name, ranked[i]?.probability.toFixed(4)]);
    if (answer) cells[0] = answer.genre;
    // no spreadsheet takes such a name for a formula
    return [file.name.replace(/^(?=[=+@-])/, "./"), ...cells, error];
  });
  const needsQuotes = /[",\r\n]/;
  const quote = (cell = "") => (needsQuotes.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return [CSV_HEADER, ...rows.map((row) => row.map(quote).join()), ""].join("\n");
}

function showCard() {
  const { genres, sr, segments, aggregate, learned_from: learned, scores, made_by: made } = info;
  const facts = {
    Genres: genres.join(", "),
    "Learned from": `${learned.n_songs ?? "unknown"} songs, ${learned.n_artists ?? "unknown"} artists`,
    Hears: `${segments.duration ? `the first ${segments.duration} s` : "all"}, at ${sr} Hz`,
    Judges: aggregate === "song" ? "the song as a whole" : `segments, by their ${aggregate}`,
    Made: `${made.date}, ${made.recipe ?? made.estimator}`,
  };
  for (const { protocol, accuracy, low, high } of scores.filter((row) => row.accuracy >= 0)) {
    const interval = low ? `, ${percent(low)} to ${percent(high)}` : "";
    facts[`Right (${protocol})`] = `${percent(accuracy)} of songs${interval}`;
  }
  const makeFact = ([name, text]) => [
    make("dt", { textContent: name }),
    make("dd", { textContent: text }),
  ];
  fill($("facts"), Object.entries(facts).flatMap(makeFact));
}

function duration() {
  return Number.isFinite(audio.duration) ? audio.duration : shown.peaks.length / PEAKS_PER_SECOND;
}

function draw() {
  const [canvas, now, all] = [$("wave"), audio.currentTime, duration()];
  const { width, height } = canvas.getBoundingClientRect();
  const context = canvas.getContext("2d");
  Object.assign(canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio });
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(canvas);
  const highest = (peaks) => peaks.reduce((a, b) => Math.max(a, b), 0.01);
  const n = Math.floor(width / (BAR + GAP));
  const [perBar, loudest] = [(all * PEAKS_PER_SECOND) / n, highest(shown.peaks)];
  for (let i = 0; i < n; i++) {
    const peaks = shown.peaks.slice(Math.floor(i * perBar), Math.ceil((i + 1) * perBar));
    const size = Math.max(2, (highest(peaks) / loudest) * height);
    context.fillStyle = style.getPropertyValue(i / n < now / all ? "--accent" : "--faint");
    context.fillRect(i * (BAR + GAP), (height - size) / 2, BAR, size);
  }
  Object.assign($("position"), { max: all, value: now, ariaValueText: clock(now) });
  $("time").textContent = `${clock(now)} / ${clock(all)}`;
  $("play").classList.toggle("playing", !audio.paused);
  $("play").ariaLabel = audio.paused ? "Play" : "Pause";
}

const redraw = () => shown && draw();
const play = (song) => song.play().catch(redraw); // refused if stopped before it begins
for (const event of ["timeupdate", "play", "pause", "loadedmetadata", "seeked"]) {
  audio.addEventListener(event, redraw);
}
new ResizeObserver(redraw).observe($("wave"));
matchMedia("(prefers-color-scheme: dark)").onchange = redraw;
$("play").onclick = () => (audio.paused ? play(audio) : audio.pause());
$("position").oninput = ({ target }) => (audio.currentTime = target.value);
$("files").onchange = ({ target }) => {
  add([...target.files]);
  target.value = "";
};
$("save").onclick = () => {
  const href = URL.createObjectURL(new Blob([asCsv()], { type: "text/csv" }));
  make("a", { href, download: "genres.csv" }).click();
  URL.revokeObjectURL(href);
};
for (const event of ["dragover", "dragleave", "drop"]) {
  addEventListener(event, (happened) => {
    happened.preventDefault();
    document.body.classList.toggle("is-over", event === "dragover");
    if (event === "drop") add([...happened.dataTransfer.files]);
  });
}

openModel(document.body.dataset.model, "model.onnx");
