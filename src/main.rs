//! The `schakel` binary.
fn main() {}
