/** The last of the scripts that are registered for watched sites: begin. */
globalThis.telltale?.watch?.begin();
