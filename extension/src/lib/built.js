/** The address this package was built for; `build.mjs --service` writes it, and without it the options page asks. */
export const SERVICE = "";
