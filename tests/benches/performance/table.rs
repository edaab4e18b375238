//! How the rows are shown.

use crate::row::Row;

/// The form of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people, in a terminal.
    Text,
    /// One object a line.
    Json,
    /// For a document.
    Markdown,
}

impl Form {
    /// What stands above the rows.
    pub fn print_head(self) {
        match self {
            Self::Text => print_columns(["what", "goal", "measured", "", "reference"]),
            Self::Json => {}
            Self::Markdown => println!("| what | goal | measured | reference |\n| --- | --- | --- | --- |"),
        }
    }

    /// A row.
    pub fn print(self, row: &Row) {
        let (goal, measured, reference) = (row.goal.to_string(), row.measured_text(), row.reference_text());
        match self {
            Self::Text => print_columns([row.what, &goal, &measured, row.verdict(), &reference]),
            Self::Json => println!("{}", row.json()),
            Self::Markdown => {
                println!("| {} | {goal} | {measured}, {} | {reference} |", row.what, row.verdict())
            }
        }
    }
}

fn print_columns([what, goal, measured, verdict, reference]: [&str; 5]) {
    println!("{what:<56}{goal:<24}{measured:<34}{verdict:<8}{reference}");
}
