//! A row of the table: what was measured, beside what it should be and what bounds it.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// A figure with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    value: f64,
    unit: Unit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Seconds, shown in whatever part of them reads well.
    Seconds,
    /// Bytes, shown in thousands and millions.
    Bytes,
    /// How often something happens in a second of the clock.
    PerSecond(&'static str),
    /// How often something happens in a second of one processor.
    PerCpuSecond(&'static str),
    /// A number of something.
    Count(&'static str),
    /// A ratio, such as of how long something takes here and there.
    Ratio,
}

impl Figure {
    /// A time.
    pub fn time(time: Duration) -> Self {
        Self { value: time.as_secs_f64(), unit: Unit::Seconds }
    }

    /// An amount of memory, or of the disk.
    pub fn bytes(bytes: f64) -> Self {
        Self { value: bytes, unit: Unit::Bytes }
    }

    /// How often something happens in a second.
    pub fn rate(of: &'static str, per_second: f64) -> Self {
        Self { value: per_second, unit: Unit::PerSecond(of) }
    }

    /// How often something happens in a second of one processor.
    pub fn cpu_rate(of: &'static str, per_second: f64) -> Self {
        Self { value: per_second, unit: Unit::PerCpuSecond(of) }
    }

    /// How many there are of something.
    pub fn count(of: &'static str, count: f64) -> Self {
        Self { value: count, unit: Unit::Count(of) }
    }

    /// How many times as much.
    pub fn ratio(ratio: f64) -> Self {
        Self { value: ratio, unit: Unit::Ratio }
    }

    fn json(self) -> Value {
        let unit = match self.unit {
            Unit::Seconds => "s".to_owned(),
            Unit::Bytes => "B".to_owned(),
            Unit::PerSecond(of) => format!("{of}/s"),
            Unit::PerCpuSecond(of) => format!("{of}/CPU s"),
            Unit::Count(of) => of.to_owned(),
            Unit::Ratio => "times".to_owned(),
        };
        json!({"value": self.value, "unit": unit})
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        let text = match self.unit {
            Unit::Seconds if value < 1e-6 => format!("{} ns", short(value * 1e9)),
            Unit::Seconds if value < 1e-3 => format!("{} \u{b5}s", short(value * 1e6)),
            Unit::Seconds if value < 1.0 => format!("{} ms", short(value * 1e3)),
            Unit::Seconds => format!("{} s", short(value)),
            Unit::Bytes if value < 1e3 => format!("{} B", short(value)),
            Unit::Bytes if value < 1e6 => format!("{} kB", short(value / 1e3)),
            Unit::Bytes => format!("{} MB", short(value / 1e6)),
            Unit::PerSecond(of) if value >= 1e6 => format!("{} million {of}/s", short(value / 1e6)),
            Unit::PerSecond(of) => format!("{} {of}/s", short(value)),
            Unit::PerCpuSecond(of) => format!("{} {of}/CPU s", short(value)),
            Unit::Count(of) => format!("{} {of}", short(value)),
            Unit::Ratio => format!("{}\u{d7}", short(value)),
        };
        formatter.pad(&text)
    }
}

/// Three digits that count, and commas between thousands.
fn short(value: f64) -> String {
    let digits = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// At least this.
    Least(Figure),
    /// At most this.
    Most(Figure),
    /// At least so many times the reference.
    LeastTimes(f64),
    /// At most so many times the reference.
    MostTimes(f64),
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Least(figure) => format!("\u{2265} {figure}"),
            Self::Most(figure) => format!("\u{2264} {figure}"),
            Self::LeastTimes(times) => format!("\u{2265} {times}\u{d7} the reference"),
            Self::MostTimes(times) => format!("\u{2264} {times}\u{d7} the reference"),
        };
        formatter.pad(&text)
    }
}

/// What something is measured against, in the same run.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The figure.
    pub figure: Figure,
    /// What has that figure.
    pub of: &'static str,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub what: &'static str,
    /// What it should be.
    pub goal: Goal,
    /// What it is.
    pub measured: Figure,
    /// What bounds it.
    pub reference: Option<Reference>,
}

impl Row {
    /// A row with nothing to compare it with but its goal.
    pub fn alone(what: &'static str, goal: Goal, measured: Figure) -> Self {
        Self { what, goal, measured, reference: None }
    }

    /// A row with a reference.
    pub fn beside(
        what: &'static str,
        goal: Goal,
        measured: Figure,
        of: &'static str,
        figure: Figure,
    ) -> Self {
        Self { what, goal, measured, reference: Some(Reference { figure, of }) }
    }

    /// Whether the goal is met.
    pub fn is_met(&self) -> bool {
        let measured = self.measured.value;
        let times = |times: f64| times * self.reference.map_or(f64::NAN, |reference| reference.figure.value);
        match self.goal {
            Goal::Least(figure) => measured >= figure.value,
            Goal::Most(figure) => measured <= figure.value,
            Goal::LeastTimes(factor) => measured >= times(factor),
            Goal::MostTimes(factor) => measured <= times(factor),
        }
    }

    /// What was measured, with how many times the reference that is.
    pub fn measured_text(&self) -> String {
        match self.reference {
            Some(Reference { figure, .. }) => {
                format!("{} ({})", self.measured, Figure::ratio(self.measured.value / figure.value))
            }
            None => self.measured.to_string(),
        }
    }

    /// The reference, and what it is.
    pub fn reference_text(&self) -> String {
        let text = |Reference { figure, of }| format!("{figure}, {of}");
        self.reference.map(text).unwrap_or_default()
    }

    /// `met` or `missed`.
    pub fn verdict(&self) -> &'static str {
        if self.is_met() { "met" } else { "missed" }
    }

    /// The row for programs.
    pub fn json(&self) -> Value {
        let reference = self.reference.map(|Reference { figure, of }| {
            let mut json = figure.json();
            json["of"] = json!(of);
            json
        });
        json!({
            "what": self.what, "goal": self.goal.to_string(), "measured": self.measured.json(),
            "reference": reference, "met": self.is_met(),
        })
    }
}
