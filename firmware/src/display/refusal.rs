//! The last peer that was dropped, and which rule it broke.

use super::Title;
use super::network::endpoint;
use super::screen::{Font, Screen, WIDTH};
use crate::report::{Offence, Report};
use crate::text::Span;

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    let title = Title::new("LAST REFUSAL");
    let Some(refused) = report.refused else {
        screen.paragraph(
            Font::Small,
            (0, 14),
            5,
            format_args!("No peer was dropped since power-on. Every block is checked against all rules."),
        );
        return title;
    };
    let offence = refused.offence;
    screen.left(Font::Medium, (2, 12), WIDTH, format_args!("{}", offence.name()));
    screen.invert((0, 11), (WIDTH, 11));
    let ago = Span(report.uptime.since(refused.at) / 1_000);
    let right = screen.right(Font::Small, (WIDTH, 23), 0, format_args!("{ago}")) - 3;
    endpoint(screen, (0, 23), right, refused.peer);
    let at = (0, 32);
    match (offence, offence.rule()) {
        (Offence::Block { height, .. }, Some(rule)) => {
            let sentence = format_args!("Block {height} breaks: {}", rule.sentence());
            screen.paragraph(Font::Small, at, 4, sentence);
        }
        (_, Some(rule)) => screen.paragraph(Font::Small, at, 4, format_args!("Rule: {}", rule.sentence())),
        (offence, None) => screen.paragraph(Font::Small, at, 4, format_args!("{offence}")),
    }
    title
}
