//! What people read, in Dutch and in English.

/// The language of a table or a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Nederlands.
    Dutch,
    /// English.
    English,
}

/// The words of a report.
pub(crate) struct Words {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) period: &'static str,
    pub(crate) until: &'static str,
    pub(crate) total: &'static str,
    pub(crate) nobody: &'static str,
    pub(crate) group: [&'static str; 6],
    pub(crate) received: &'static str,
    pub(crate) answered: &'static str,
    pub(crate) abandoned: &'static str,
    pub(crate) rest: &'static str,
    pub(crate) mean: &'static str,
    pub(crate) transferred: &'static str,
    pub(crate) without_transfer: &'static str,
    pub(crate) started: &'static str,
    pub(crate) reconstructed: &'static str,
    pub(crate) department: &'static str,
    pub(crate) transfers: &'static str,
    pub(crate) share: &'static str,
    pub(crate) no_department: &'static str,
    pub(crate) final_figures: &'static str,
    pub(crate) not_final: &'static str,
    pub(crate) under_way: &'static str,
    pub(crate) rest_of: [&'static str; 5],
    pub(crate) figure: &'static str,
    pub(crate) number: &'static str,
    pub(crate) chart_calls: &'static str,
    pub(crate) chart_departments: &'static str,
    pub(crate) more_rows: &'static str,
}

impl Language {
    pub(crate) const fn words(self) -> &'static Words {
        match self {
            Language::Dutch => &DUTCH,
            Language::English => &ENGLISH,
        }
    }
}

const DUTCH: Words = Words {
    code: "nl",
    title: "Rapportage telefonie",
    period: "Periode",
    until: "tot",
    total: "Totaal",
    nobody: "(niemand)",
    group: ["Alles", "Dag", "Uur", "Wachtrij", "Afdeling", "Medewerker"],
    received: "Ontvangen",
    answered: "Opgenomen",
    abandoned: "Uitval",
    rest: "Overig",
    mean: "Gem. gespreksduur",
    transferred: "Doorverbonden",
    without_transfer: "Zonder doorverbinden",
    started: "Gestart vanuit JKC",
    reconstructed: "Gereconstrueerd",
    department: "Gekozen afdeling",
    transfers: "Keer doorverbonden",
    share: "Aandeel",
    no_department: "(geen afdeling gekozen)",
    final_figures: "Deze cijfers zijn definitief.",
    not_final: "Deze cijfers zijn nog niet definitief.",
    under_way: "Contacten die nog lopen en niet zijn meegeteld",
    rest_of: [
        "Kort opgehangen",
        "Doorgestuurd naar buiten",
        "Elders opgenomen",
        "Niet tot stand gekomen",
        "Onbekend",
    ],
    figure: "Cijfer",
    number: "Aantal",
    chart_calls: "Opgenomen, uitval en overig",
    chart_departments: "Doorverbonden per gekozen afdeling",
    more_rows: "Niet alle rijen staan in de grafiek; de tabel is volledig.",
};

const ENGLISH: Words = Words {
    code: "en",
    title: "Telephony report",
    period: "Period",
    until: "until",
    total: "Total",
    nobody: "(nobody)",
    group: ["All", "Day", "Hour", "Queue", "Department", "Agent"],
    received: "Received",
    answered: "Answered",
    abandoned: "Abandoned",
    rest: "Other",
    mean: "Mean duration",
    transferred: "Transferred",
    without_transfer: "Without transfer",
    started: "Started from JKC",
    reconstructed: "Reconstructed",
    department: "Chosen department",
    transfers: "Transfers",
    share: "Share",
    no_department: "(no department chosen)",
    final_figures: "These figures are final.",
    not_final: "These figures are not final yet.",
    under_way: "Contacts that still go on and are not counted",
    rest_of: ["Gave up at once", "Sent on to outside", "Answered elsewhere", "Not completed", "Unknown"],
    figure: "Figure",
    number: "Number",
    chart_calls: "Answered, abandoned and other",
    chart_departments: "Transfers by chosen department",
    more_rows: "Not all rows are in the chart; the table is complete.",
};

/// A number with one decimal, as the language writes it.
pub(crate) fn decimal(value: f64, language: Language) -> String {
    let text = format!("{value:.1}");
    match language {
        Language::Dutch => text.replace('.', ","),
        Language::English => text,
    }
}

/// A percentage; a dash where there is none.
pub(crate) fn percent(value: Option<f64>, language: Language) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{}%", decimal(value, language)))
}

/// Seconds as minutes and seconds; a dash where there are none.
pub(crate) fn clock(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "–".to_owned() };
    let whole = seconds.round().max(0.0) as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_language_does() {
        assert_eq!(percent(Some(66.7), Language::Dutch), "66,7%");
        assert_eq!(percent(Some(66.7), Language::English), "66.7%");
        assert_eq!(percent(None, Language::Dutch), "–");
        assert_eq!(
            (clock(Some(125.4)), clock(Some(59.5)), clock(None)),
            ("2:05".into(), "1:00".into(), "–".into())
        );
    }
}
