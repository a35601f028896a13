//! What every adapter must meet.

mod support;

mod standard {
    schakel_testkit::conformance!(super::support::STANDARD);
}

mod telnet {
    schakel_testkit::conformance!(super::support::TELNET);
}
