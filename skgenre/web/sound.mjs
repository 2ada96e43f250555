// Songs as the browser decodes them: at their own rate, and in parts where they are long.

// Larger MP3 and WAV files are decoded in parts of so many bytes, which are minutes of music.
const [MP3_BYTES, WAV_BYTES] = [2 ** 23, 2 ** 25];
// So much is handed on at a time: a little more than most models hear of a song.
const PIECE_SECONDS = 32;
const LONGEST_IN_PARTS = 3 * 3600;
const LONGEST_WHOLE = 20 * 60;
const BITRATES = {
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
// What browsers decode at in any case, and what is taken where a file does not tell its rate.
const [LOWEST, HIGHEST, USUAL] = [8000, 96000, 48000];

/**
 * Decode a song.
 *
 * @param {File} file
 * @yields {{channels: Float32Array[], rate: number}} Pieces that follow one another.
 */
export async function* decode(file) {
  const { rate, parts } = await examine(file);
  const longest = parts ? LONGEST_IN_PARTS : LONGEST_WHOLE;
  if ((await measure(file)) > longest) {
    throw new Error(
      parts
        ? `it lasts longer than ${longest / 3600} hours; cut it into pieces`
        : `it lasts longer than ${longest / 60} minutes; save it as MP3, which is heard in parts`,
    );
  }
  for await (const part of parts?.() ?? [file]) {
    const { channels, rate: decoded } = await decodePart(part, rate);
    const size = PIECE_SECONDS * decoded;
    for (let start = 0; start < channels[0].length; start += size) {
      const piece = channels.map((samples) => samples.slice(start, start + size));
      yield { channels: piece, rate: decoded };
    }
  }
}

async function decodePart(blob, rate) {
  const at = rate >= LOWEST && rate <= HIGHEST ? rate : USUAL;
  const context = new OfflineAudioContext(1, 1, at);
  let sound;
  try {
    sound = await context.decodeAudioData(await blob.arrayBuffer());
  } catch (error) {
    throw new Error("this browser cannot read it as audio", { cause: error });
  }
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) =>
    sound.getChannelData(i),
  );
  return { channels, rate: sound.sampleRate };
}

/** Return how many seconds a file says that it lasts; NaN or Infinity where it does not. */
function measure(file) {
  const audio = new Audio();
  const url = URL.createObjectURL(file);
  return new Promise((resolve) => {
    audio.onloadedmetadata = () => resolve(audio.duration);
    audio.onerror = () => resolve(NaN);
    audio.preload = "metadata";
    audio.src = url;
  }).finally(() => URL.revokeObjectURL(url));
}

async function read(file, start, size) {
  return new Uint8Array(await file.slice(start, start + size).arrayBuffer());
}

function view(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hasText(bytes, place, text) {
  return [...text].every((letter, i) => bytes[place + i] === letter.charCodeAt(0));
}

function find(bytes, text, from = 0) {
  const first = text.charCodeAt(0);
  let place = bytes.indexOf(first, from);
  while (place >= 0 && !hasText(bytes, place, text)) place = bytes.indexOf(first, place + 1);
  return place;
}

/** Return the rate of a file, and a function that cuts it into parts if it can be cut. */
async function examine(file) {
  const bytes = await read(file, 0, 2 ** 12);
  if (hasText(bytes, 0, "RIFF") && hasText(bytes, 8, "WAVE")) {
    const header = await readWavHeader(file);
    return { rate: header.rate, parts: () => cutWav(file, header) };
  }
  if (hasText(bytes, 0, "fLaC")) return { rate: view(bytes).getUint32(18) >> 12 };
  if (hasText(bytes, 0, "OggS")) {
    const vorbis = find(bytes, "\x01vorbis");
    return { rate: vorbis < 0 ? USUAL : view(bytes).getUint32(vorbis + 12, true) };
  }
  if (hasText(bytes, 4, "ftyp")) return { rate: await findMp4Rate(file) };
  const start = await findFrame(file, await measureId3(file));
  if (start === undefined) return { rate: USUAL };
  return { rate: readFrame(await read(file, start, 4), 0).rate, parts: () => cutMp3(file, start) };
}

async function findMp4Rate(file) {
  const bytes = await read(file, 0, file.size);
  for (let place = 0; (place = find(bytes, "stsd", place)) >= 0; place++) {
    if (hasText(bytes, place + 16, "mp4a")) {
      const rate = view(bytes).getUint16(place + 44);
      // HE-AAC may tell half of its rate
      return rate <= 24000 ? 2 * rate : rate;
    }
  }
  return USUAL;
}

async function readWavHeader(file) {
  const chunks = {};
  for (let place = 12; place + 8 <= file.size && !chunks.data; ) {
    const bytes = await read(file, place, 64);
    const size = view(bytes).getUint32(4, true);
    chunks[new TextDecoder().decode(bytes.subarray(0, 4))] = { start: place + 8, size, bytes };
    place += 8 + size + (size % 2);
  }
  const { "fmt ": format, data } = chunks;
  if (!data || !(format?.bytes.length >= 24)) throw new Error("it is no whole WAV file");
  return {
    format: format.bytes.subarray(0, 8 + format.size),
    rate: view(format.bytes).getUint32(12, true),
    frameBytes: view(format.bytes).getUint16(20, true) || 1,
    start: data.start,
    end: Math.min(file.size, data.start + data.size),
  };
}

async function* cutWav(file, { format, frameBytes, start, end }) {
  const step = Math.floor(WAV_BYTES / frameBytes) * frameBytes;
  for (let place = start; place < end; place += step) {
    const size = Math.min(step, end - place);
    const text = new TextEncoder();
    const parts = [text.encode("RIFF\0\0\0\0WAVE"), format, text.encode("data\0\0\0\0")];
    view(parts[0]).setUint32(4, 4 + format.length + 8 + size, true);
    view(parts[2]).setUint32(4, size, true);
    yield new Blob([...parts, file.slice(place, place + size)]);
  }
}

async function* cutMp3(file, start) {
  for (let end; start !== undefined; start = end) {
    end = await findFrame(file, start + MP3_BYTES);
    yield file.slice(start, end);
  }
}

/** Return the size of a tag before the sound. */
async function measureId3(file) {
  const bytes = await read(file, 0, 10);
  if (!hasText(bytes, 0, "ID3")) return 0;
  return 10 + bytes.subarray(6).reduce((size, byte) => size * 128 + byte, 0);
}

/** Return where the next frame of MP3 begins; undefined where there is none. */
async function findFrame(file, from) {
  const bytes = await read(file, from, 2 ** 16);
  const place = bytes.findIndex((_, i) => {
    const frame = readFrame(bytes, i);
    return frame && readFrame(bytes, i + frame.size);
  });
  return place < 0 ? undefined : from + place;
}

/** Return what a frame of MP3 says of itself; undefined where there is none. */
function readFrame(bytes, place) {
  const [sync, kind, numbers] = bytes.subarray(place, place + 3);
  const version = [3, undefined, 2, 1][(kind >> 3) & 3];
  if (sync !== 0xff || kind < 0xe0 || !version || ((kind >> 1) & 3) !== 1) return undefined;
  const bitrate = BITRATES[Math.min(version, 2)][numbers >> 4];
  const rate = [44100, 48000, 32000][(numbers >> 2) & 3] / 2 ** (version - 1);
  if (!bitrate || !rate) return undefined;
  const samples = version === 1 ? 1152 : 576;
  const size = Math.floor((samples * bitrate * 125) / rate) + ((numbers >> 1) & 1);
  return { rate, samples, size };
}

