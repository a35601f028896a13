//! What every adapter must meet.

mod support;

schakel_testkit::conformance!(support::Standard);
