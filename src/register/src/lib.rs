//! Numbers and who is behind them.
pub mod number;
