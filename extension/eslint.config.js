import globals from "globals";

const strict = {
  "no-unused-vars": "error",
  "no-undef": "error",
  "no-var": "error",
  "prefer-const": "error",
  eqeqeq: "error",
  "no-shadow": "error",
  "no-implicit-globals": "error",
  "no-eval": "error",
  "no-new-func": "error",
  "no-restricted-properties": [
    "error",
    { property: "innerHTML", message: "Text from a page or the service is never HTML." },
    { property: "outerHTML", message: "Text from a page or the service is never HTML." },
  ],
  "no-console": "error",
};

export default [
  { ignores: ["dist/", "node_modules/"] },
  { files: ["src/**/*.js"], languageOptions: { globals: { ...globals.browser, ...globals.webextensions } }, rules: strict },
  { files: ["src/content/*.js"], languageOptions: { sourceType: "script" } },
  {
    files: ["*.mjs", "*.js", "icons/*.mjs", "test/**"],
    languageOptions: { globals: globals.node },
    rules: { ...strict, "no-console": "off" },
  },
];
