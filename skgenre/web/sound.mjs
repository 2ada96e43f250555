// Songs as the browser decodes them, in parts where they are long.

// MP3 and WAV are decoded in parts of so many bytes, which are minutes of music.
const [MP3_BYTES, WAV_BYTES] = [2 ** 23, 2 ** 25];
const [LONGEST_IN_PARTS, LONGEST_WHOLE] = [3 * 3600, 20 * 60];
// So much is handed on at a time: a little more than most models hear of a song.
const PIECE_SECONDS = 32;
// The rates that all browsers decode at. They resample worse than we do, so the file's own is taken,
// or USUAL where it is not easy to see.
const [LOWEST, HIGHEST, USUAL] = [8000, 96000, 48000];
const BITRATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320], // kbit/s of MPEG 1
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160], // of MPEG 2 and 2.5
];

/** Decode a file: yield channels and their rate, piece by piece. */
export async function* decode(file) {
  if (!file.size) throw new Error("it is empty");
  const { rate = USUAL, cut } = await examine(file);
  const longest = cut ? LONGEST_IN_PARTS : LONGEST_WHOLE;
  if ((await measure(file)) > longest) {
    const advice = cut ? "cut it into pieces" : "save it as MP3, which is heard in parts";
    throw new Error(`it lasts longer than ${longest / 60} minutes; ${advice}`);
  }
  for await (const part of cut?.() ?? [file]) {
    const sound = await decodePart(part, rate);
    const size = PIECE_SECONDS * sound.sampleRate;
    for (let start = 0; start < sound.length; start += size) {
      const channels = Array.from({ length: sound.numberOfChannels }, (_, i) =>
        sound.getChannelData(i).slice(start, start + size),
      );
      yield { channels, rate: sound.sampleRate };
    }
  }
}

async function decodePart(blob, rate) {
  const context = new OfflineAudioContext(1, 1, rate >= LOWEST && rate <= HIGHEST ? rate : USUAL);
  try {
    return await context.decodeAudioData(await blob.arrayBuffer());
  } catch (error) {
    throw new Error("this browser cannot read it as audio", { cause: error });
  }
}

/** Return how many seconds a file says that it lasts; NaN or Infinity where it does not. */
async function measure(file) {
  const audio = new Audio(URL.createObjectURL(file));
  await new Promise((resolve) => (audio.onloadedmetadata = audio.onerror = resolve));
  URL.revokeObjectURL(audio.src);
  return audio.duration;
}

/** Return the rate of a file where it is easy to see, and a function that cuts it into parts. */
async function examine(file) {
  const { view, text } = await read(file, 0, 2 ** 12);
  if (text.startsWith("RIFF") && text.startsWith("WAVE", 8)) return examineWav(file);
  if (text.startsWith("fLaC")) return { rate: view.getUint32(18) >> 12 };
  const tag = [6, 7, 8, 9].reduce((size, place) => size * 128 + text.charCodeAt(place), 0);
  const start = await findFrame(file, text.startsWith("ID3") ? 10 + tag : 0);
  if (start === undefined) return {};
  const { rate } = readFrame((await read(file, start, 4)).view, 0);
  return { rate, cut: () => cutMp3(file, start) };
}

async function read(file, start, size) {
  const bytes = await file.slice(start, start + size).arrayBuffer();
  return { view: new DataView(bytes), text: new TextDecoder("latin1").decode(bytes) };
}

async function examineWav(file) {
  const chunks = {};
  for (let place = 12; place + 8 <= file.size && !chunks["data"];) {
    const { view, text } = await read(file, place, 64);
    const size = view.getUint32(4, true);
    chunks[text.slice(0, 4)] = { start: place + 8, end: place + 8 + size, view };
    place += 8 + size + (size % 2);
  }
  const { "fmt ": format, data } = chunks;
  if (!data || !(format?.view.byteLength >= 24)) throw new Error("it is no whole WAV file");
  const frameBytes = format.view.getUint16(20, true) || 1;
  const header = file.slice(0, format.end);
  return {
    rate: format.view.getUint32(12, true),
    cut: () => cutWav(file, header, data, frameBytes),
  };
}

async function* cutWav(file, header, { start, end }, frameBytes) {
  const step = Math.floor(WAV_BYTES / frameBytes) * frameBytes;
  for (let place = start; place < Math.min(end, file.size); place += step) {
    const size = new DataView(new ArrayBuffer(4));
    size.setUint32(0, Math.min(step, end - place, file.size - place), true);
    yield new Blob([header, "data", size, file.slice(place, place + size.getUint32(0, true))]);
  }
}

async function* cutMp3(file, start) {
  for (let end; start !== undefined; start = end) {
    end = await findFrame(file, start + MP3_BYTES);
    yield file.slice(start, end);
  }
}

/** Return where the next frame of MP3 begins, if there is one. */
async function findFrame(file, from) {
  const { view } = await read(file, from, 2 ** 16);
  for (let place = 0; place + 4 <= view.byteLength; place++) {
    const frame = readFrame(view, place);
    if (frame && readFrame(view, place + frame.size)) return from + place;
  }
}

/** Return what a frame of MP3 says of itself; undefined where there is none. */
function readFrame(view, place) {
  const header = place + 4 <= view.byteLength ? view.getUint32(place) : 0;
  const [version, layer] = [[2.5, 0, 2, 1][(header >> 19) & 3], (header >> 17) & 3];
  const bitrate = BITRATES[version === 1 ? 0 : 1][(header >> 12) & 15];
  const rate = [44100, 48000, 32000][(header >> 10) & 3] / { 1: 1, 2: 2, 2.5: 4 }[version];
  if (header >>> 21 !== 0x7ff || layer !== 1 || !bitrate || !rate) return undefined;
  const bytesPerRate = (version === 1 ? 144000 : 72000) * bitrate;
  return { rate, size: Math.floor(bytesPerRate / rate) + ((header >> 9) & 1) };
}
