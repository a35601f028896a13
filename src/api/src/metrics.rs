//! Figures for the operator, in the text format of Prometheus.

mod chat;

pub(crate) use chat::{of_chats, of_mail, of_orders};

use crate::answers::Answers;
use schakel_core::adapter::Observations;
use schakel_core::model::ids::ProviderId;
use schakel_core::model::provider::LinkState;
use schakel_core::state::State;
use schakel_journal::Counters;
use schakel_outbox::{Circuit, SubscriptionStatus};
use schakel_register::Figures;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets in seconds: a command is answered by a fast PBX in 5 to 50 ms, and waits 2 s at most
/// unless it was asked to wait longer.
const BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

/// Requests by route and status. Both are few: routes are ours, and so are the statuses.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<BTreeMap<(&'static str, u16), Counted>>);

#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    count: u64,
    seconds: f64,
    buckets: [u64; BUCKETS.len()],
}

impl Requests {
    /// Counts a request.
    pub(crate) fn count(&self, route: &'static str, status: u16, took: Option<Duration>) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = counted.entry((route, status)).or_default();
        let seconds = took.unwrap_or_default().as_secs_f64();
        entry.count += 1;
        entry.seconds += seconds;
        for (bucket, bound) in entry.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    pub(crate) fn write(&self, out: &mut Text) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        out.kind(
            "schakel_api_request_seconds",
            "histogram",
            "Requests to the REST API and how long they took.",
        );
        for ((route, status), entry) in &counted {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            for (bound, bucket) in BUCKETS.iter().zip(entry.buckets) {
                out.line("schakel_api_request_seconds_bucket", &format!("{labels},le=\"{bound}\""), bucket);
            }
            out.line("schakel_api_request_seconds_bucket", &format!("{labels},le=\"+Inf\""), entry.count);
            out.line("schakel_api_request_seconds_sum", &labels, entry.seconds);
            out.line("schakel_api_request_seconds_count", &labels, entry.count);
        }
    }
}

/// What the state tells.
pub(crate) fn of_state(state: &State, out: &mut Text) {
    let calls = state.calls.values();
    out.one(
        "schakel_calls_live",
        "gauge",
        "Calls that go on.",
        calls.clone().filter(|call| call.is_live()).count(),
    );
    let stale = calls.filter(|call| call.is_live() && call.stale.is_some()).count();
    out.one("schakel_calls_stale", "gauge", "Calls whose link is lost.", stale);
    let seated = state.agents.values().filter(|agent| agent.registration.is_some()).count();
    out.one("schakel_agents_registered", "gauge", "Users who sit at an extension.", seated);
    out.one(
        "schakel_commands_kept",
        "gauge",
        "Commands under way or ended a short while ago.",
        state.commands.len(),
    );
    out.kind(
        "schakel_link_up",
        "gauge",
        "Whether everything that is known of a telephone system is current.",
    );
    for provider in state.providers.values() {
        let up = u8::from(provider.link == LinkState::Up);
        out.line("schakel_link_up", &label("provider", provider.id.as_str()), up);
    }
    out.kind("schakel_monitors", "gauge", "Monitors by telephone system and state.");
    for provider in state.providers.values() {
        let labels = label("provider", provider.id.as_str());
        out.line("schakel_monitors", &format!("{labels},state=\"active\""), provider.monitors_active);
        out.line("schakel_monitors", &format!("{labels},state=\"refused\""), provider.monitors_refused);
    }
    let counters = &state.counters;
    for (name, help, value) in [
        (
            "unexpected_reports",
            "Reports without an edge in the connection table.",
            counters.unexpected_reports,
        ),
        ("repeated_reports", "Reports that told what was known.", counters.repeated_reports),
        ("late_replies", "Answers to no command under way.", counters.late_replies),
        ("ids_reused", "Call ids that a telephone system used again for another call.", counters.ids_reused),
        ("calls_reconstructed", "Calls that only a snapshot showed.", counters.calls_reconstructed),
        ("unknown_providers", "Reports about a provider that is not configured.", counters.unknown_providers),
    ] {
        out.one(&format!("schakel_{name}_total"), "counter", help, value);
    }
}

/// What the links have counted: messages received, refused, late …
pub(crate) fn of_links<'a>(links: impl Iterator<Item = (&'a ProviderId, Observations)>, out: &mut Text) {
    let name = "schakel_link_observed_total";
    out.kind(name, "counter", "What links have counted since the start, by telephone system and kind.");
    for (provider, observations) in links {
        let labels = label("provider", provider.as_str());
        for (kind, count) in observations.counters {
            out.line(name, &format!("{labels},{}", label("kind", kind)), count);
        }
    }
}

/// What the journal tells.
pub(crate) fn of_journal(counters: &Counters, out: &mut Text) {
    out.one("schakel_journal_queue", "gauge", "Submissions that wait for the disk.", counters.queue_depth);
    out.one("schakel_journal_commits_total", "counter", "Commits, each with one fsync.", counters.commits);
    out.one(
        "schakel_journal_submissions_total",
        "counter",
        "Submissions made durable.",
        counters.submissions,
    );
    out.one("schakel_journal_failures_total", "counter", "Submissions that failed.", counters.failures);
    let last = counters.last_commit_micros as f64 / 1e6;
    out.one("schakel_journal_last_commit_seconds", "gauge", "How long the last commit took.", last);
    out.one("schakel_notifications_kept", "gauge", "Notifications in the journal.", counters.notifications);
    out.one(
        "schakel_notification_sequence",
        "counter",
        "The newest notification's cursor.",
        counters.last_notification,
    );
}

/// What the register tells.
pub(crate) fn of_register(figures: &Figures, out: &mut Text) {
    out.one("schakel_recognised_numbers", "gauge", "Numbers that are switched on.", figures.numbers);
    let help = "Memory for them and their names.";
    out.one("schakel_recognised_numbers_bytes", "gauge", help, figures.bytes);
    let help = "Colleagues and departments.";
    out.one("schakel_directory_entries", "gauge", help, figures.entries);
}

/// What receivers answered to a question.
pub(crate) fn of_answers(answers: &Answers, out: &mut Text) {
    let name = "schakel_route_answers_total";
    out.kind(name, "counter", "Answers of webhooks to route.requested, by what became of them.");
    for (result, count) in answers.counted() {
        out.line(name, &label("result", result), count);
    }
}

/// What the process is: its version, and its memory where the system tells.
pub(crate) fn of_process(out: &mut Text) {
    let version = label("version", env!("CARGO_PKG_VERSION"));
    out.kind("schakel_build_info", "gauge", "The version that runs.");
    out.line("schakel_build_info", &version, 1);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    if let Some(resident) = kilobytes.and_then(|text| text.trim().parse::<u64>().ok()) {
        let help = "Resident memory in bytes.";
        out.one("process_resident_memory_bytes", "gauge", help, resident * 1024);
    }
}

/// What the outbox tells.
pub(crate) fn of_outbox(status: &[SubscriptionStatus], out: &mut Text) {
    type Figure = fn(&SubscriptionStatus) -> u64;
    let figures: [(&str, &str, &str, Figure); 8] = [
        ("schakel_webhook_pending", "gauge", "Deliveries that wait.", |each| each.pending),
        ("schakel_webhook_in_flight", "gauge", "Requests under way.", |each| each.in_flight as u64),
        ("schakel_webhook_circuit_open", "gauge", "Whether only one probe at a time is sent.", |each| {
            u64::from(each.circuit == Circuit::Open)
        }),
        ("schakel_webhook_on_hold", "gauge", "Whether nothing is sent.", |each| {
            u64::from(each.hold.is_some())
        }),
        ("schakel_webhook_delivered_total", "counter", "Notifications delivered.", |each| each.delivered),
        ("schakel_webhook_failed_total", "counter", "Attempts that failed.", |each| each.failed),
        ("schakel_webhook_dead_total", "counter", "Deliveries given up.", |each| each.dead),
        ("schakel_webhook_late_total", "counter", "Delivered after they had expired, as history.", |each| {
            each.late
        }),
    ];
    for (name, kind, help, figure) in figures {
        out.kind(name, kind, help);
        for each in status {
            let id = uuid::Uuid::from_u128(each.subscription).to_string();
            out.line(name, &label("webhook", &id), figure(each));
        }
    }
}

/// Text that is being written.
#[derive(Debug, Default)]
pub(crate) struct Text(pub String);

impl Text {
    fn kind(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            labels => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }

    pub(crate) fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.kind(name, kind, help);
        self.line(name, "", value);
    }
}

/// A label with its value as the format wants it.
fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
