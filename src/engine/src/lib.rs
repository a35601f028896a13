//! The one loop of an organisation: collect what happened, apply it, commit it, then act on it.

pub mod handle;
