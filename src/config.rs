//! `deskferry.toml`: profiles, secrets by reference; flags before environment before file before defaults.
