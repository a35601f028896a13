//! schakel.
