"""Per-recipient watermarks for still images: prepare, issue, register, read, accuse."""
