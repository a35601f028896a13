//! A telephone exchange to test against: the PBX that `schakel simulate` starts.

pub mod duration;
pub mod switch;
