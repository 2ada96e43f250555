import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: { ...globals["shared-node-browser"] } },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" },
  },
  { files: ["**/page.mjs", "**/sound.mjs"], languageOptions: { globals: globals.browser } },
  { files: ["**/worker.mjs"], languageOptions: { globals: globals.worker } },
  { files: ["examples/**"], languageOptions: { globals: globals.node } },
];
