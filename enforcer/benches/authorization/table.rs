//! How the figures are printed.

/// The head of a table.
pub fn head(what: &str, unit: &str, note: &str) {
    println!("{what:<52} {unit:>14}  {note}");
}

/// One line of it.
pub fn line(what: &str, figure: f64, note: &str) {
    println!("{what:<52} {figure:>14.0}  {note}");
}
