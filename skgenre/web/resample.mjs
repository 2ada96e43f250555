// Resampling that answers rely on: what browsers do moves probabilities by more than 0.1.

// As soxr does it: the share of the band that passes, and how many dB damp what lies above it.
const [PASSED, DAMPED] = [0.914, 120];
const MOST_PHASES = 2 ** 16;

let last;

/** Return samples of one rate at another, by a windowed sinc. */
export function resample(samples, from, to) {
  if (from === to) return samples;
  const divisor = gcd(from, to);
  const [up, down] = [to / divisor, from / divisor];
  if (up > MOST_PHASES) throw new Error(`its ${from} Hz cannot be made ${to} Hz`);
  if (last?.from !== from || last.to !== to) last = { from, to, ...design(from, to, up) };
  const { filters, taps } = last;
  const padded = new Float32Array(samples.length + 2 * taps);
  padded.set(samples, taps);
  const resampled = new Float32Array(Math.round((samples.length * up) / down));
  for (let n = 0; n < resampled.length; n++) {
    const filter = ((n * down) % up) * taps;
    const start = Math.floor((n * down) / up) + taps / 2 + 1;
    let sum = 0;
    for (let k = 0; k < taps; k++) sum += filters[filter + k] * padded[start + k];
    resampled[n] = sum;
  }
  return resampled;
}

/** Return a filter for each place between two samples. */
function design(from, to, up) {
  const half = Math.min(from, to) / 2 / from;
  const cutoff = half * (1 + PASSED);
  const taps = 2 * Math.ceil((DAMPED - 8) / (4.57 * Math.PI * half * (1 - PASSED)) / 2);
  const beta = 0.11 * (DAMPED - 8.7);
  const filters = new Float32Array(up * taps).map((_, i) => {
    const distance = Math.floor(i / taps) / up + taps / 2 - 1 - (i % taps);
    const window = Math.cosh(beta * Math.sqrt(Math.max(0, 1 - ((2 * distance) / taps) ** 2)));
    return (cutoff * sinc(cutoff * distance) * window) / Math.cosh(beta);
  });
  return { filters, taps };
}

function sinc(x) {
  return x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1;
}

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}
