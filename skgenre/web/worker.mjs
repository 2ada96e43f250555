// Judges songs beside the page, which stays alive meanwhile. The page calls the functions of `calls`.

import { countSamples, mix, openModel, readEntries } from "./model_file.mjs";
import { resample } from "./resample.mjs";
import * as ort from "./vendor/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1;

// As `skgenre timeline` cuts songs, and what it takes for silence.
const WINDOW_SECONDS = 10;
const [SILENCE, MOST_SOUND] = [1e-3, 0.01];
const PEAKS_PER_SECOND = 50;

let model, listener, tagger;

const calls = {
  /** Open a model file, let it judge a second of silence, and return what it says of itself. */
  async open(bytes) {
    const opened = await openModel(bytes, ort);
    await opened.judge([new Float32Array(Math.ceil(opened.info.sr))], opened.info.sr);
    model?.session.release();
    tagger?.frontEnd.release();
    [model, tagger] = [opened, undefined];
    const { transformer, params } = model.info.features[0];
    model.givesTags = transformer === "LogMelPatches" && params.n_frames === 187;
    model.bytes = model.givesTags && bytes;
    return { ...model.info, givesTags: model.givesTags };
  },

  /** Begin a song; `isJudged` if its answer is known, and only the genres through it are wanted. */
  begin(isJudged) {
    listener = new Listener(model, isJudged && model.info.aggregate === "song");
  },

  /** Take the next part of the song, and return its peaks. */
  hear(channels, rate) {
    return listener.hear(channels, rate);
  },

  /** Return the next answers; null if there are none without more of the song. */
  next(isAtEnd) {
    return listener.next(isAtEnd);
  },

  /** Return the tags of the song by musicnn's net, which hears what the model hears. */
  async tags(net) {
    tagger ??= await openTagger(net);
    const waveform = model.cut([listener.start], model.info.sr);
    const input = new ort.Tensor("float32", waveform, [1, waveform.length]);
    const { features } = await tagger.frontEnd.run({ waveform: input });
    const patches = new ort.Tensor("float32", features.data, features.dims.slice(1));
    const { tags } = await tagger.session.run({ melspectrogram: patches });
    const [n, size] = tags.dims;
    return tagger.names.map((name, tag) => {
      const sum = tags.data.reduce((sum, share, i) => sum + (i % size === tag ? share : 0), 0);
      return { name: name.replaceAll("_", " "), probability: sum / n };
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

/** A song while it is heard. */
class Listener {
  constructor(model, isJudged) {
    this.model = model;
    this.sr = model.info.sr;
    this.isJudged = isJudged;
    // what the answer is from, and what comes next in the genres through the song
    this.start = this.rest = new Float32Array(0);
    this.startSize = countSamples(model.info.segments, this.sr);
    this.place = 0;
  }

  hear(channels, rate) {
    const sound = resample(mix(channels), rate, this.sr);
    this.rest = concatenate(this.rest, sound);
    if (this.start.length < this.startSize) {
      this.start = concatenate(this.start, sound).subarray(0, this.startSize);
    }
    return findPeaks(sound, Math.round(this.sr / PEAKS_PER_SECOND));
  }

  next(isAtEnd) {
    return this.isJudged ? this.#judgeWindow(isAtEnd) : this.#judgeStart(isAtEnd);
  }

  async #judgeStart(isAtEnd) {
    if (this.start.length < this.startSize && !isAtEnd) return null;
    if (isSilent(this.start)) {
      const seconds = Math.ceil(this.start.length / this.sr);
      throw new Error(`there is nothing to hear in its first ${seconds} s`);
    }
    const answer = await this.model.judge([this.start], this.sr);
    this.isJudged = true;
    if (this.model.info.aggregate === "song" || !isAtEnd || this.rest.length > this.startSize) {
      return { answer, stretches: [] };
    }
    // segments that reach through the song; a short song has more of them than fit
    const stretches = answer.segmentProbabilities.map((probabilities) => {
      const segment = this.#take(this.model.info.segments.n_samples);
      return this.#stretch(segment.length, isSilent(segment) ? null : probabilities);
    });
    this.rest = this.rest.subarray(0, 0);
    return { answer, stretches: stretches.filter(({ start, end }) => end > start) };
  }

  /** Judge a window by itself; one that is short belongs to the one before. */
  async #judgeWindow(isAtEnd) {
    const size = Math.round(WINDOW_SECONDS * this.sr);
    if (!this.rest.length || (this.rest.length < size && !isAtEnd)) return null;
    const window = this.#take(size);
    if (this.place === window.length || window.length >= size / 2) {
      const judge = async () => (await this.model.judge([window], this.sr)).probabilities;
      this.probabilities = isSilent(window) ? null : await judge();
    }
    return { stretches: [this.#stretch(window.length, this.probabilities)] };
  }

  #take(size) {
    const taken = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(taken.length);
    this.place += taken.length;
    return taken;
  }

  #stretch(length, probabilities) {
    const genre = probabilities && this.model.choose(probabilities);
    const confidence = probabilities && Math.max(...probabilities);
    return { start: (this.place - length) / this.sr, end: this.place / this.sr, genre, confidence };
  }
}

function isSilent(samples) {
  let n = 0;
  for (const sample of samples) n += Math.abs(sample) > SILENCE;
  return !(n > MOST_SOUND * samples.length);
}

function concatenate(one, other) {
  const whole = new Float32Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}

function findPeaks(samples, size) {
  return Float32Array.from({ length: Math.ceil(samples.length / size) }, (_, i) => {
    const part = samples.subarray(i * size, (i + 1) * size);
    return part.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
  });
}


async function openTagger(net) {
  const [names] = readEntries(net).filter(({ key }) => key === "names_of_tags");
  return {
    names: JSON.parse(names.value),
    session: await ort.InferenceSession.create(net),
    frontEnd: await ort.InferenceSession.create(addOutput(model.bytes, "features")),
  };
}

/** Return a model file that also gives one of its values: protocol buffers join doubled fields. */
function addOutput(bytes, name) {
  const [graph, output, text] = [7, 12, 1].map((number) => 8 * number + 2);
  const value = [text, name.length, ...new TextEncoder().encode(name)];
  const added = [graph, value.length + 2, output, value.length, ...value];
  const longer = new Uint8Array(bytes.length + added.length);
  longer.set(bytes);
  longer.set(added, bytes.length);
  return longer;
}
