//! What the tests share: the adapter as it is tried, and a scripted PBX.
#![allow(dead_code, clippy::unwrap_used)]

use schakel_core::adapter::Operation;
use schakel_core::model::ids::DeviceId;
use schakel_core::model::time::Millis;
use schakel_template::{Dialect, Settings, Template, dialect};
use schakel_testkit::conformance::{Answer, Peer, Subject};

/// The adapter of one dialect.
pub struct OfDialect(pub &'static Dialect);

pub const STANDARD: OfDialect = OfDialect(&dialect::STANDARD);
pub const TELNET: OfDialect = OfDialect(&dialect::TELNET);

pub fn adapter(dialect: &'static Dialect) -> Template {
    Template::new(Settings {
        dialect,
        devices: ["2001", "2002"].map(DeviceId::from).to_vec(),
        login_limit: Millis::seconds(10),
    })
}

impl Subject for OfDialect {
    type Adapter = Template;
    type Peer = Pbx;

    fn adapter(&self) -> Template {
        adapter(self.0)
    }

    fn peer(&self) -> Pbx {
        Pbx::default()
    }

    fn operation(&self) -> Operation {
        schakel_testkit::operation("dial 2001 0201234567").unwrap()
    }

    fn samples(&self) -> Vec<Vec<u8>> {
        let lines = [
            "RING 77 2001 0201234567",
            "TALK 77 2001",
            "GONE 77 2001",
            "GONE 78 2003",
            "AT 2002",
            "AT 2001 77 TALK 0201234567",
            "NOT 2002",
            "OK 1 78",
            "NO 2 the line is busy",
            "HELLO again",
        ];
        lines.map(|line| format!("{line}\n").into_bytes()).to_vec()
    }
}

/// A PBX that answers what the README says.
#[derive(Default)]
pub struct Pbx(String);

impl Peer for Pbx {
    fn answer(&mut self, bytes: &[u8], operations: Answer) -> Vec<u8> {
        self.0.push_str(std::str::from_utf8(bytes).unwrap());
        let mut answers = String::new();
        while let Some((line, rest)) = self.0.split_once('\n') {
            let words: Vec<&str> = line.split_whitespace().collect();
            answers += &match (&words[..], operations) {
                (["HELLO", _], _) => "HELLO Bell 3\n".to_owned(),
                (["LOOK", device], _) => format!("AT {device}\n"),
                (["DO", number, ..], Answer::Confirm) => format!("OK {number} 78\n"),
                (["DO", number, ..], Answer::Refuse) => format!("NO {number} the line is busy\n"),
                (unknown, _) => unreachable!("{unknown:?}"),
            };
            self.0 = rest.to_owned();
        }
        answers.into_bytes()
    }
}
