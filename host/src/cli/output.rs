//! How results are printed: aligned for people, or JSON for programs.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

/// How to print a result.
#[derive(Args, Clone, Copy, Debug)]
pub struct Form {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Form {
    /// Prints `value` as JSON, or what `people` writes.
    pub fn print<W: Write>(
        self,
        out: &mut W,
        value: &Value,
        people: impl FnOnce(&mut W) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.json { writeln!(out, "{value:#}") } else { people(out) }
    }

    /// Whether programs are to read the result.
    pub fn is_json(self) -> bool {
        self.json
    }
}

/// Named facts, one a line.
#[derive(Default)]
pub struct Facts(Vec<(&'static str, String)>);

impl Facts {
    /// Adds a fact.
    pub fn add(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.push((name, value.to_string()));
        self
    }

    /// Adds a fact, where there is one.
    pub fn add_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.add(name, value),
            None => self,
        }
    }

    /// Writes them with their values below each other.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        self.0.iter().try_for_each(|(name, value)| writeln!(out, "{name:width$}  {}", plain(value)))
    }
}

/// Rows under a heading. Columns whose cells are all numbers are aligned to the right.
pub struct Table<const N: usize> {
    heading: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows.
    pub fn new(heading: [&'static str; N]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| plain(&cell)));
    }

    /// Writes the table.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let columns: Vec<(usize, bool)> = (0..N)
            .map(|column| {
                let cells = || self.rows.iter().filter_map(move |row| row.get(column));
                let heading = self.heading.get(column).map_or(0, |heading| heading.chars().count());
                let width = cells().map(|cell| cell.chars().count()).fold(heading, usize::max);
                (width, cells().all(|cell| is_number(cell)) && !self.rows.is_empty())
            })
            .collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let mut text = String::new();
            for (cell, (width, is_right)) in cells.zip(&columns) {
                let cell = if *is_right { format!("{cell:>width$}") } else { format!("{cell:width$}") };
                text = text + &cell + "  ";
            }
            text.trim_end().to_owned()
        };
        writeln!(out, "{}", line(&mut self.heading.iter().copied()))?;
        self.rows.iter().try_for_each(|row| writeln!(out, "{}", line(&mut row.iter().map(String::as_str))))
    }
}

fn is_number(cell: &str) -> bool {
    let digits = |byte: u8| byte.is_ascii_digit() || b"+-.".contains(&byte);
    cell == "-" || (!cell.is_empty() && cell.bytes().all(digits))
}

/// The text without control characters, by which others could take over the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// What an answer has under a name, as people read it; `-` where there is nothing.
pub fn field(value: &Value, name: &str) -> String {
    optional(value, name).unwrap_or_else(|| "-".to_owned())
}

/// What an answer has under a name, as people read it.
pub fn optional(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::Array(items) => Some(items.len().to_string()),
        other => Some(other.to_string()),
    }
}

/// So many of something: `1 block`, `2 blocks`.
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A number with a unit for thousands, millions and so on: `1.25 M`.
pub fn scaled(number: f64) -> String {
    let units = ["", " k", " M", " G", " T", " P", " E"];
    let steps = units.len() - 1;
    let step = (0..steps).find(|step| number < 1000_f64.powi(*step as i32 + 1)).unwrap_or(steps);
    let unit = units.get(step).copied().unwrap_or_default();
    match step {
        0 => format!("{number:.0}"),
        _ => format!("{:.2}{unit}", number / 1000_f64.powi(step as i32)),
    }
}

/// Unix seconds as a date and time of day (UTC), by Howard Hinnant's `civil_from_days`.
pub fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["height", "peer"]);
        table.row(["7".into(), "a\x1b[31m".into()]);
        table.row(["1200".into(), "b".into()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "height  peer\n     7  a\u{fffd}[31m\n  1200  b\n");
    }

    #[test]
    fn facts_are_aligned() {
        let mut out = Vec::new();
        Facts::default().add("tip", 1).add("height", 22).add_some("no", None::<u8>).write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "tip     1\nheight  22\n");
    }

    #[test]
    fn numbers_and_dates_are_readable() {
        assert_eq!((scaled(0.0).as_str(), scaled(1_250_000.0).as_str()), ("0", "1.25 M"));
        assert_eq!((count(1, "block").as_str(), count(0, "block").as_str()), ("1 block", "0 blocks"));
        assert_eq!(date(1_767_225_600), "2026-01-01 00:00:00 UTC");
        assert_eq!(date(1_709_251_199), "2024-02-29 23:59:59 UTC");
    }
}
