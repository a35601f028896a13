//! The simulator from outside: the pure switch, the CSTA server over real sockets, its sins, its control.

mod client;
mod control;
mod flows;
mod front_end;
mod properties;
mod sins;
mod table;
