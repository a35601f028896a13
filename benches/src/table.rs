//! Figures as lines: one name, one number, one unit, so that they can be read and compared by eye and by a program.

/// Prints one figure.
#[allow(clippy::print_stdout, reason = "figures are the output")]
pub fn row(name: &str, value: f64, unit: &str) {
    let digits = if value.abs() >= 1000.0 {
        0
    } else if value.abs() >= 100.0 {
        1
    } else {
        2
    };
    println!("{name:<62} {value:>14.digits$}  {unit}");
}

/// Prints a heading.
pub fn heading(text: &str) {
    println!("\n== {text}");
}

/// The median; sorts. NaN if there is nothing.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}
