// Judges songs beside the page, which stays alive meanwhile. The page calls the functions of `calls`.

import { countSamples, mix, openModel, readEntries } from "./model_file.mjs";
import { resample } from "./resample.mjs";
import * as ort from "./vendor/ort.wasm.bundle.min.mjs";

// As `skgenre timeline` cuts songs, `predict --tags` hears them, and what is silence for both.
const [WINDOW_SECONDS, TAGGED_SECONDS] = [10, 30];
const [SILENCE, MOST_SOUND] = [1e-3, 0.01];
// musicnn's net, whose input is what the models that are made of it hear.
const [TAGGER, PATCHES, N_FRAMES] = ["musicnn_msd.onnx", "LogMelPatches", 187];

ort.env.wasm.numThreads = 1;
let model, song, tagger;

const calls = {
  /** Open a model, a file or what lies beside this one, and return what it says of itself. */
  async open(source) {
    if (!globalThis.WebAssembly) throw new Error("this browser has no WebAssembly; try another");
    const bytes = await readBytes(source);
    const opened = await openModel(bytes, ort);
    // the first answer takes three times as long as the next
    await opened.judge([new Float32Array(Math.ceil(opened.info.sr))], opened.info.sr);
    model?.session.release();
    tagger?.frontEnd.release();
    [model, tagger] = [opened, undefined];
    const [{ transformer, params }] = model.info.features;
    if (transformer === PATCHES && params.n_frames === N_FRAMES) model.bytes = bytes;
    return model.info;
  },

  /** Begin a song, of which only the genres through it are wanted if it `isJudged`. */
  begin(isJudged) {
    song = new Song(isJudged && model.info.aggregate === "song");
  },

  /** Take the next piece of the song, and return its peaks, so many a second. */
  hear(channels, rate, peaksPerSecond) {
    return song.hear(resample(mix(channels), rate, model.info.sr), peaksPerSecond);
  },

  /** Return the next answers; null if there are none without more of the song. */
  next: (isAtEnd) => (song.isJudged ? song.judgeWindow(isAtEnd) : song.judgeStart(isAtEnd)),

  /** Return the tags of the song and their probabilities; none if the model is not of musicnn. */
  async tags() {
    if (!model.bytes) return [];
    tagger ??= await openTagger();
    const { sr, segments } = model.info;
    const waveform = model.cut([song.start.subarray(0, TAGGED_SECONDS * sr)], sr);
    const shape = [waveform.length / segments.n_samples, segments.n_samples];
    const input = new ort.Tensor("float32", waveform, shape);
    const { features } = await tagger.frontEnd.run({ waveform: input });
    const [nSegments, nPatches, ...patch] = features.dims;
    const patches = new ort.Tensor("float32", features.data, [nSegments * nPatches, ...patch]);
    const { tags } = await tagger.session.run({ melspectrogram: patches });
    return tagger.names.map((name, tag) => {
      const heard = tags.data.filter((_, i) => i % tagger.names.length === tag);
      const probability = heard.reduce((a, b) => a + b) / heard.length;
      return { name: name.replaceAll("_", " "), probability };
    });
  },
};

let last = Promise.resolve();
onmessage = ({ data: [name, ...args] }) => {
  last = last
    .then(() => calls[name](...args))
    .then((answer) => postMessage([answer]))
    .catch((error) => postMessage([null, error.message]));
};

async function readBytes(source) {
  const found = source.name ? source : await fetch(new URL(source, import.meta.url));
  if (found.ok === false) throw new Error(`the web server has no ${source}`);
  return new Uint8Array(await found.arrayBuffer());
}

async function openTagger() {
  const net = await readBytes(TAGGER);
  return {
    names: JSON.parse(readEntries(net).find(({ key }) => key === "names_of_tags").value),
    session: await ort.InferenceSession.create(net),
    frontEnd: await ort.InferenceSession.create(addOutput(model.bytes, "features")),
  };
}

/** Return a model file that also gives one of its values: protocol buffers join doubled fields. */
function addOutput(bytes, name) {
  const [graph, output, text] = [7, 12, 1].map((number) => 8 * number + 2);
  const value = [text, name.length, ...new TextEncoder().encode(name)];
  return concatenate(bytes, [graph, value.length + 2, output, value.length, ...value]);
}

/** What is heard of a song. */
class Song {
  // what the answer is from; and of what follows, where it begins
  start = new Float32Array(0);
  rest = new Float32Array(0);
  place = 0;

  constructor(isJudged) {
    this.isJudged = isJudged;
    this.startSize = countSamples(model.info.segments, model.info.sr);
  }

  hear(sound, peaksPerSecond) {
    this.rest = concatenate(this.rest, sound);
    if (this.start.length < this.startSize) {
      this.start = concatenate(this.start, sound).subarray(0, this.startSize);
    }
    const size = model.info.sr / peaksPerSecond;
    return Float32Array.from({ length: Math.round(sound.length / size) }, (_, i) => {
      const part = sound.subarray(i * size, (i + 1) * size);
      return part.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
    });
  }

  async judgeStart(isAtEnd) {
    const { sr, segments, aggregate } = model.info;
    if (this.start.length < this.startSize && !isAtEnd) return null;
    if (isSilent(this.start)) {
      throw new Error(
        `there is nothing to hear in its first ${Math.ceil(this.start.length / sr)} s`,
      );
    }
    const answer = await model.judge([this.start], sr);
    this.isJudged = true;
    const isWhole = isAtEnd && this.rest.length <= this.startSize;
    if (aggregate === "song" || !isWhole) return { answer, stretches: [] };
    const stretches = answer.segmentProbabilities.map((probabilities) => {
      const size = segments.n_samples;
      return this.#take(size, isSilent(this.rest.subarray(0, size)) ? null : probabilities);
    });
    this.rest = this.rest.subarray(0, 0);
    // a song that is short is judged in more segments than it has
    return { answer, stretches: stretches.filter(({ start, end }) => end > start) };
  }

  /** Judge a window by itself; a short one at the end belongs to the one before. */
  async judgeWindow(isAtEnd) {
    const size = Math.round(WINDOW_SECONDS * model.info.sr);
    const window = this.rest.subarray(0, size);
    if (!window.length || (window.length < size && !isAtEnd)) return null;
    const isShort = this.place > 0 && window.length < size / 2;
    if (!isShort) {
      const answer = isSilent(window) ? null : await model.judge([window], model.info.sr);
      this.probabilities = answer && answer.probabilities;
    }
    const stretch = this.#take(size, this.probabilities);
    return { stretches: [isShort ? { ...stretch, confidence: null } : stretch] };
  }

  #take(size, probabilities) {
    const { sr } = model.info;
    const start = this.place / sr;
    const { length } = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(length);
    this.place += length;
    const genre = probabilities && model.choose(probabilities);
    const confidence = probabilities && Math.max(...probabilities);
    return { start, end: this.place / sr, genre, confidence };
  }
}

function isSilent(samples) {
  let n = 0;
  for (const sample of samples) n += Math.abs(sample) > SILENCE;
  return !(n > MOST_SOUND * samples.length);
}

function concatenate(one, other) {
  const whole = new one.constructor(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}
