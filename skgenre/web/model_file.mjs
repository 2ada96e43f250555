// Model files of skgenre in JavaScript: reads one, cuts a song as it says, and judges it.
// It runs in browsers and in Node. docs/guide/model-files.md describes the format.

import { resample } from "./resample.mjs";

const FORMAT = "1";
const WAVEFORM = "waveform";
// What is louder is no recording, but integers that were made floats.
const LOUDEST = 128;
// Below this share of the loudest channel's power, channels have cancelled each other.
const CANCELLED = 0.01;
const POWER_STEP = 7;
// The most of a song that is judged at a time, so that an hour of it does not fill the memory.
const SAMPLES_TOGETHER = 2 ** 20;
const SMALLEST = 2 ** -126;

/**
 * Open a model file.
 *
 * @param {Uint8Array} bytes - The file.
 * @param {object} ort - The module `onnxruntime-web`, or one of its parts such as
 *   `onnxruntime-web/wasm`.
 * @returns {Promise<ModelFile>}
 */
export async function openModel(bytes, ort) {
  const info = await readInfo(bytes);
  const session = await ort.InferenceSession.create(bytes);
  if (session.inputNames.join() !== WAVEFORM) {
    const makers = new Set(info.features.map((part) => part.transformer));
    throw new Error(
      `the model takes features (${[...makers].join(", ")}) and no waveform; load it in Python`,
    );
  }
  return new ModelFile(info, session, ort);
}

class ModelFile {
  constructor(info, session, ort) {
    /** What the file says of itself: `genres`, `sr`, `segments`, `scores` and so on. */
    this.info = info;
    this.session = session;
    this.ort = ort;
  }

  /**
   * Judge a song.
   *
   * @param {Float32Array[]} channels - Samples from -1 to 1, of each channel.
   * @param {number} sampleRate - In Hz; if it is not the model's, `info.sr`, the song is resampled.
   * @returns {Promise<{genre: string|number, probabilities: number[],
   *   segmentProbabilities: number[][]}>} The song's genre, or the answer of a model that abstains
   *   because it is not sure enough; and probabilities in the order of `info.genres`. Segments last
   *   `info.segments.n_samples` samples each.
   */
  async judge(channels, sampleRate) {
    const { segments, aggregate, features } = this.info;
    const waveform = this.cut(channels, sampleRate);
    const size = segments.n_samples;
    const isSplit = aggregate !== "song" && features.length === 1;
    const step = isSplit ? Math.max(1, Math.floor(SAMPLES_TOGETHER / size)) * size : Infinity;
    const segmentProbabilities = [];
    let probabilities;
    for (let start = 0; start < waveform.length; start += step) {
      const part = waveform.subarray(start, start + step);
      const input = new this.ort.Tensor("float32", part, [part.length / size, size]);
      const outputs = await this.session.run({ [WAVEFORM]: input });
      segmentProbabilities.push(...rows(outputs.segment_probabilities));
      [probabilities] = rows(outputs.probabilities);
    }
    if (waveform.length > step) {
      probabilities = join(segmentProbabilities, aggregate);
    }
    if (![probabilities, ...segmentProbabilities].flat().every(Number.isFinite)) {
      throw new Error("what the model gives are no probabilities");
    }
    return { genre: this.choose(probabilities), probabilities, segmentProbabilities };
  }

  /**
   * Return the samples of a song that are judged, segment after segment.
   *
   * @param {Float32Array[]} channels - As `judge` takes them.
   * @param {number} sampleRate
   * @returns {Float32Array}
   */
  cut(channels, sampleRate) {
    const { sr, segments } = this.info;
    // a little more than is heard, so that its end is resampled like the rest
    const size = Math.ceil(((segments.duration ?? Infinity) + 1) * sampleRate);
    const heard = check(mix(channels.map((channel) => channel.subarray(0, size))));
    const samples = resample(heard, sampleRate, sr).subarray(0, countSamples(segments, sr));
    return cut(samples, segments, sr);
  }

  /** Return the genre that probabilities stand for, or the answer of a model that abstains. */
  choose(probabilities) {
    const { genres, abstains } = this.info;
    const highest = Math.max(...probabilities);
    if (abstains && !(highest >= (abstains.threshold ?? Infinity))) return abstains.answer;
    return genres[probabilities.indexOf(highest)];
  }
}

/**
 * Read what a model file says of itself, and check that it is whole.
 *
 * @param {Uint8Array} bytes - The file.
 * @returns {Promise<object>} The entries of its metadata, parsed.
 */
export async function readInfo(bytes) {
  const entries = readEntries(bytes);
  const props = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
  if (props.skgenre_format === undefined) {
    throw new Error("it is not a model file of skgenre");
  }
  if (props.skgenre_format !== FORMAT) {
    throw new Error(`it has the format ${props.skgenre_format}; this program reads ${FORMAT}`);
  }
  const last = entries.at(-1);
  // browsers offer SHA-256 to pages from https and from this computer
  if (globalThis.crypto?.subtle) {
    const digest = await crypto.subtle.digest("SHA-256", bytes.subarray(0, last.start));
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
    if (last.key !== "content_sha256" || last.value !== hex.join("")) {
      throw new Error("it was cut off or changed: its checksum does not fit");
    }
  }
  delete props.skgenre_format;
  delete props.content_sha256;
  return Object.fromEntries(Object.entries(props).map(([key, value]) => [key, JSON.parse(value)]));
}

/**
 * Read the metadata of any ONNX file.
 *
 * @param {Uint8Array} bytes - The file.
 * @returns {{key: string, value: string, start: number}[]} Its entries, and where they start.
 */
export function readEntries(bytes) {
  const entries = [];
  try {
    for (const field of readFields(bytes)) {
      if (field.number === 14) {
        const [key, value] = [...readFields(field.bytes)].map((part) => decode(part.bytes));
        entries.push({ key, value, start: field.start });
      }
    }
  } catch (error) {
    throw new Error("it is not a model file of skgenre, or was cut off", { cause: error });
  }
  return entries;
}

/** Yield the fields of a protocol buffer: their numbers, where they start, and their bytes. */
function* readFields(bytes) {
  let place = 0;
  const take = (size) => {
    if (place + size > bytes.length) throw new RangeError("the file ends too early");
    place += size;
    return bytes.subarray(place - size, place);
  };
  const takeNumber = () => {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const [byte] = take(1);
      number += (byte % 128) * scale;
      if (byte < 128) return number;
    }
  };
  while (place < bytes.length) {
    const start = place;
    const tag = takeNumber();
    const kind = tag % 8;
    if (kind === 0) takeNumber();
    else if (kind === 1) take(8);
    else if (kind === 2) yield { number: (tag - 2) / 8, start, bytes: take(takeNumber()) };
    else if (kind === 5) take(4);
    else throw new RangeError(`a field of kind ${kind}`);
  }
}

function decode(bytes) {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** Return how many samples of a song are heard at most. */
export function countSamples({ duration }, sr) {
  return duration === null ? Infinity : roundHalfToEven(duration * sr);
}

/** Average channels into one; where they cancel each other, take the loudest. */
export function mix(channels) {
  if (channels.length === 1) return channels[0];
  const mean = new Float32Array(channels[0].length);
  for (const channel of channels) {
    for (let i = 0; i < mean.length; i++) mean[i] += channel[i];
  }
  for (let i = 0; i < mean.length; i++) mean[i] /= channels.length;
  const powers = channels.map(power);
  const loudest = Math.max(...powers);
  return power(mean) < CANCELLED * loudest ? channels[powers.indexOf(loudest)] : mean;
}

function power(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i += POWER_STEP) sum += samples[i] ** 2;
  return sum;
}

/** Return samples, or refuse those that no recording has. */
function check(samples) {
  if (!samples.length) throw new Error("the song has no samples");
  for (const sample of samples) {
    if (!(Math.abs(sample) <= LOUDEST)) {
      throw new Error(`the song has a sample of ${sample}, where full scale is 1`);
    }
  }
  return samples;
}

/**
 * Return the segments of a song, one after the other.
 *
 * A song that is too short is repeated from its start. Where segments have a duration of their
 * own, a last one of less than half of it is dropped, and a longer one is repeated.
 */
function cut(samples, segments, sr) {
  const size = segments.n_samples;
  if (segments.segment_duration === null) {
    samples = repeat(samples, countSamples(segments, sr));
    return samples.subarray(0, Math.floor(samples.length / size) * size);
  }
  const whole = Math.floor(samples.length / size) * size;
  const rest = samples.subarray(whole);
  if (whole > 0 && 2 * rest.length < size) return samples.subarray(0, whole);
  const filled = new Float32Array(whole + size);
  filled.set(samples.subarray(0, whole));
  filled.set(repeat(rest, size), whole);
  return filled;
}

function repeat(samples, size) {
  if (samples.length >= size) return samples.subarray(0, size);
  return Float32Array.from({ length: size }, (_, i) => samples[i % samples.length]);
}

/** Round as Python does. */
function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

function rows({ data, dims: [n, size] }) {
  return Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * size, (i + 1) * size)));
}

/** Return the probabilities of a song from those of its segments. */
function join(segments, aggregate) {
  if (aggregate === "vote") {
    segments = segments.map((row) => {
      const winner = row.indexOf(Math.max(...row));
      return row.map((_, i) => Number(i === winner));
    });
  }
  if (aggregate !== "product") return average(segments);
  const logs = average(segments.map((row) => row.map((p) => Math.log(Math.max(p, SMALLEST)))));
  const highest = Math.max(...logs);
  const shares = logs.map((log) => Math.exp(log - highest));
  const sum = shares.reduce((a, b) => a + b);
  return shares.map((share) => share / sum);
}

function average(table) {
  return table[0].map((_, i) => table.reduce((sum, row) => sum + row[i], 0) / table.length);
}
