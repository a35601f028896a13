//! `schakel report`: the eight reports on telephony from the journal's file, beside a daemon that runs or without one.

use super::{ConfigArgs, Failure};
use crate::client::language::Language;
use clap::{Args, ValueEnum};
use schakel_api::telephony;
use schakel_contract::views::{self, TelephonyReportView};
use schakel_core::model::ids::OrganisationId;
use schakel_core::model::time::Time;
use schakel_engine::{state_in, verify_facts};
use schakel_journal::Reader;
use schakel_reports::{Bound, Period, ReportMaker, Rules, csv, html, table, under_way};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Contacts named of those that `--verify` finds wrong: the first ones tell what is the matter.
const WRONG_SHOWN: usize = 20;

/// Arguments of `schakel report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// A journal or a backup of one; without it the configuration's.
    #[arg(long)]
    journal: Option<PathBuf>,
    /// today, yesterday, a day 2026-10-25, a week 2026-W43, a month 2026-10 or a year 2026; today without it.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    period: Option<String>,
    /// The first moment: a day, or a date-time with its offset.
    #[arg(long, requires = "to")]
    from: Option<String>,
    /// The first moment after the period.
    #[arg(long, requires = "from")]
    to: Option<String>,
    /// By what the rows are grouped.
    #[arg(long, value_enum, default_value_t)]
    group_by: GroupBy,
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// In which language a table or a page is.
    #[arg(long, value_enum, default_value_t)]
    language: Language,
    /// Make the facts again from the journal's inputs, and say whether they are those that the reports are made of.
    #[arg(long, conflicts_with_all = ["period", "from", "to"])]
    verify: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum GroupBy {
    /// The whole period.
    #[default]
    None,
    /// Local days.
    Day,
    /// Local hours.
    Hour,
    /// The queue that a contact came to first.
    Queue,
    /// The department that was chosen for a transfer.
    Department,
    /// Agents.
    Agent,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A table of text.
    #[default]
    Table,
    /// As the API gives it.
    Json,
    /// As the API gives it to who asks for text/csv.
    Csv,
    /// A page with charts.
    Html,
}

pub(super) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    let path = args.journal.as_ref().unwrap_or(&config.journal.path);
    if !path.exists() {
        return Err(Failure::Failed(format!("{}: there is no such journal", path.display())));
    }
    let organisation = OrganisationId::from(config.organisation.id.as_str());
    if args.verify {
        return verify(path, &organisation);
    }
    let rules = config.reports.rules().map_err(|error| Failure::Configuration(error.to_string()))?;
    let now = now();
    let period = args.period(now, &rules)?;
    // Before the facts are read: what ends meanwhile is in neither place twice.
    let state = state_in(path, &organisation).map_err(Failure::failed)?;
    let maker = ReportMaker::new(period, args.group_by.into(), rules, under_way(&state, period));
    let maker = maker.map_err(|error| Failure::Configuration(error.to_string()))?;
    let reader = Reader::open(path).map_err(Failure::failed)?;
    let report = telephony::report(&reader, period, maker, now).map_err(Failure::failed)?;
    print!("{}", args.written(&report)?);
    Ok(())
}

impl ReportArgs {
    fn period(&self, now: Time, rules: &Rules) -> Result<Period, Failure> {
        let (Some(from), Some(to)) = (&self.from, &self.to) else {
            let name = self.period.as_deref().unwrap_or("today");
            return Period::named(name, now, rules)
                .map_err(|error| Failure::Configuration(format!("--period: {error}")));
        };
        Period::between(from, to, rules).map_err(|errors| {
            let lines = errors.into_iter().map(|(bound, error)| match bound {
                Bound::From => format!("--from: {error}"),
                Bound::To => format!("--to: {error}"),
            });
            Failure::Configuration(lines.collect::<Vec<_>>().join("\n"))
        })
    }

    fn written(&self, report: &TelephonyReportView) -> Result<String, Failure> {
        let language =
            self.language.pick(schakel_reports::Language::Dutch, schakel_reports::Language::English);
        Ok(match self.format {
            Format::Table => table(report, language),
            Format::Json => serde_json::to_string_pretty(report).map_err(Failure::failed)? + "\n",
            Format::Csv => csv(report),
            Format::Html => html(report, language),
        })
    }
}

impl From<GroupBy> for views::GroupBy {
    fn from(group_by: GroupBy) -> Self {
        match group_by {
            GroupBy::None => views::GroupBy::None,
            GroupBy::Day => views::GroupBy::Day,
            GroupBy::Hour => views::GroupBy::Hour,
            GroupBy::Queue => views::GroupBy::Queue,
            GroupBy::Department => views::GroupBy::Department,
            GroupBy::Agent => views::GroupBy::Agent,
        }
    }
}

fn verify(path: &Path, organisation: &OrganisationId) -> Result<(), Failure> {
    let verified = verify_facts(path, organisation).map_err(Failure::failed)?;
    let from = verified.after + 1;
    if verified.wrong.is_empty() {
        println!(
            "{} contacts ended since input {from}: the facts are what the inputs come to",
            verified.facts
        );
        return Ok(());
    }
    let named: Vec<String> = verified.wrong.iter().take(WRONG_SHOWN).map(ToString::to_string).collect();
    Err(Failure::Failed(format!(
        "of {} contacts that ended since input {from}, {} are kept otherwise than the inputs come to: {}",
        verified.facts,
        verified.wrong.len(),
        named.join(", ")
    )))
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
