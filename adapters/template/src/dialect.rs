//! What differs between products, as data: a constant a dialect.

/// One product's ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The name in the configuration.
    pub name: &'static str,
    /// What ends a line that we write; of what is read either is taken.
    pub line_end: &'static str,
}

/// As the README has it.
pub const STANDARD: Dialect = Dialect { name: "standard", line_end: "\n" };

/// A product that was made for terminals.
pub const TELNET: Dialect = Dialect { name: "telnet", line_end: "\r\n" };
