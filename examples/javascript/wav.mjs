// WAV files in JavaScript, where there is no browser to decode them.

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/**
 * Read a WAV file of integers of 8 to 32 bits or of floats.
 *
 * @param {Uint8Array} bytes - The file.
 * @returns {{channels: Float32Array[], sampleRate: number}} Samples from -1 to 1.
 */
export function readWav(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = readChunks(view);
  if (!chunks.fmt || !chunks.data) throw new Error("it has no format or no samples");
  const { start } = chunks.fmt;
  let kind = view.getUint16(start, true);
  if (kind === EXTENSIBLE) kind = view.getUint16(start + 24, true);
  const nChannels = view.getUint16(start + 2, true);
  const nBytes = view.getUint16(start + 14, true) / 8;
  const read = READERS[`${kind}:${nBytes}`];
  if (!read || !nChannels) throw new Error("its samples are neither integers nor floats");
  const nFrames = Math.floor(chunks.data.size / nBytes / nChannels);
  const channels = Array.from({ length: nChannels }, (_, channel) => {
    const samples = new Float32Array(nFrames);
    for (let i = 0; i < nFrames; i++) {
      samples[i] = read(view, chunks.data.start + (i * nChannels + channel) * nBytes);
    }
    return samples;
  });
  return { channels, sampleRate: view.getUint32(start + 4, true) };
}

const READERS = {
  [`${PCM}:1`]: (view, place) => (view.getUint8(place) - 2 ** 7) / 2 ** 7,
  [`${PCM}:2`]: (view, place) => view.getInt16(place, true) / 2 ** 15,
  [`${PCM}:3`]: (view, place) =>
    (view.getUint8(place) + view.getInt16(place + 1, true) * 2 ** 8) / 2 ** 23,
  [`${PCM}:4`]: (view, place) => view.getInt32(place, true) / 2 ** 31,
  [`${FLOAT}:4`]: (view, place) => view.getFloat32(place, true),
  [`${FLOAT}:8`]: (view, place) => view.getFloat64(place, true),
};

/** Return where the chunks of a file start, by their names. */
function readChunks(view) {
  const name = (place) =>
    String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(place + i))).trim();
  if (view.byteLength < 12 || name(0) !== "RIFF" || name(8) !== "WAVE") {
    throw new Error("it is no WAV file");
  }
  const chunks = {};
  for (let place = 12; place + 8 <= view.byteLength && !(chunks.fmt && chunks.data);) {
    const [start, size] = [place + 8, view.getUint32(place + 4, true)];
    if (start + size > view.byteLength) throw new Error("it was cut off");
    chunks[name(place)] ??= { start, size };
    place = start + size + (size % 2);
  }
  return chunks;
}
