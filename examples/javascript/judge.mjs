// Tells the genres of songs: node judge.mjs model.onnx song.wav [...]
// For each song it prints a line of JSON.

import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web/wasm";
import { openModel } from "../../skgenre/web/model_file.mjs";
import { readWav } from "./wav.mjs";

ort.env.wasm.numThreads = 1;

const [modelPath, ...songs] = process.argv.slice(2);
if (!songs.length) fail("judge.mjs", "usage: node judge.mjs model.onnx song.wav [...]");

const model = await readFile(modelPath)
  .then((bytes) => openModel(bytes, ort))
  .catch((error) => fail(modelPath, error.message));
for (const song of songs) {
  try {
    const { channels, sampleRate } = readWav(await readFile(song));
    const answer = await model.judge(channels, sampleRate);
    console.log(JSON.stringify({ song, genres: model.info.genres, ...answer }));
  } catch (error) {
    console.error(`${song}: ${error.message}`);
    process.exitCode = 1;
  }
}

function fail(name, message) {
  console.error(`${name}: ${message}`);
  process.exit(1);
}
