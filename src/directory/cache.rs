//! Snapshots in the state folder, with their age.
