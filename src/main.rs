//! Wiring and exit status.
fn main() {}
