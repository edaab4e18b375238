//! The display: pages drawn from a [`Report`], 128 x 64 pixels of one bit.
//!
//! A fault covers everything, then a payment that waits for confirmation. A button turns the page, also
//! away from a fault: its name then stays in the heading, and it comes back by itself.

mod account;
mod chain;
mod device;
mod network;
mod notice;
mod payments;
mod qr;
mod refusal;
mod screen;
#[cfg(test)]
mod tests;

use core::fmt::{self, Write};
use core::mem::{Discriminant, discriminant};

use mote_core::address::Address;
use mote_core::units::Moment;

use crate::board::Pixels;
use crate::report::{Fault, Report};
use qr::AddressCode;
use screen::{Font, Screen, WIDTH};

/// How long a fault that was turned away stays in the heading only, in milliseconds.
const FAULT_ASIDE_MS: u64 = 20_000;

/// Characters of the longest address: five of prefix, a separator, 52 of key, six of checksum.
const ADDRESS_MAX_BYTES: usize = 64;

/// The pages, in the order in which a button turns them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Chain,
    Account,
    Payments,
    Network,
    Device,
    Refusal,
}

impl Page {
    const ALL: [Self; 6] =
        [Self::Chain, Self::Account, Self::Payments, Self::Network, Self::Device, Self::Refusal];

    /// The page that stands `steps` further, round and round.
    fn turned(self, steps: usize) -> Self {
        let place = self as usize + steps;
        Self::ALL.into_iter().cycle().nth(place % Self::ALL.len()).unwrap_or(self)
    }
}

/// What is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A page that the buttons turn.
    Page,
    /// What is wrong.
    Fault,
    /// The payment that waits for confirmation: only now may a button confirm it.
    Prepared,
}

/// The pages, and the picture of the one that is to be seen.
pub struct Pages {
    screen: Screen,
    page: Page,
    view: View,
    code: AddressCode,
    /// A button was pressed while a fault was to be seen.
    turned_away: bool,
    /// The fault that was turned away, and when it comes back.
    aside: Option<(Discriminant<Fault>, Moment)>,
}

impl Default for Pages {
    fn default() -> Self {
        Self::new()
    }
}

impl Pages {
    /// The first page, not drawn yet.
    pub const fn new() -> Self {
        Self {
            screen: Screen::new(),
            page: Page::Chain,
            view: View::Page,
            code: AddressCode::new(),
            turned_away: false,
            aside: None,
        }
    }

    /// The picture as it was drawn last.
    pub const fn pixels(&self) -> &Pixels {
        self.screen.pixels()
    }

    /// What was drawn last.
    pub const fn view(&self) -> View {
        self.view
    }

    /// Turns to the next page.
    pub fn next(&mut self) {
        self.turn(1);
    }

    /// Turns to the page before.
    pub fn previous(&mut self) {
        self.turn(Page::ALL.len() - 1);
    }

    fn turn(&mut self, steps: usize) {
        match self.view {
            View::Page => self.page = self.page.turned(steps),
            View::Fault => self.turned_away = true,
            View::Prepared => {}
        }
    }

    /// Draws what is to be seen of `report`. Returns whether the picture changed.
    #[must_use]
    pub fn draw(&mut self, report: &Report<'_>) -> bool {
        let before = self.screen.checksum();
        let aside = self.put_aside(report);
        let fault = report.fault.filter(|_| !aside);
        let screen = &mut self.screen;
        screen.wipe();
        self.view = match (fault, &report.prepared) {
            (Some(fault), _) => {
                notice::fault(screen, fault);
                View::Fault
            }
            (None, Some(prepared)) => {
                notice::prepared(screen, prepared, report);
                View::Prepared
            }
            (None, None) => {
                self.draw_page(report);
                View::Page
            }
        };
        self.screen.checksum() != before
    }

    fn draw_page(&mut self, report: &Report<'_>) {
        let screen = &mut self.screen;
        let title = match self.page {
            Page::Chain => chain::draw(screen, report),
            Page::Account => account::draw(screen, &mut self.code, report),
            Page::Payments => payments::draw(screen, report),
            Page::Network => network::draw(screen, report),
            Page::Device => device::draw(screen, report),
            Page::Refusal => refusal::draw(screen, report),
        };
        heading(screen, title, self.page, report.fault);
    }

    /// Whether the report's fault was turned away and is not to be seen for now.
    fn put_aside(&mut self, report: &Report<'_>) -> bool {
        let fault = report.fault.as_ref().map(discriminant);
        if core::mem::take(&mut self.turned_away) {
            self.aside = fault.map(|fault| (fault, report.uptime.plus(FAULT_ASIDE_MS)));
        }
        self.aside = self.aside.filter(|(kind, until)| Some(*kind) == fault && report.uptime < *until);
        self.aside.is_some()
    }
}

/// Draws why the program came to its end, on a picture of its own: whatever it was doing is over.
pub fn stopped(reason: fmt::Arguments<'_>, show: impl FnOnce(&Pixels)) {
    let mut screen = Screen::new();
    notice::stopped(&mut screen, reason);
    show(screen.pixels());
}

/// Where a page's heading stands, and what it says.
struct Title {
    left: i32,
    text: &'static str,
}

impl Title {
    const fn new(text: &'static str) -> Self {
        Self { left: 0, text }
    }
}

/// The last characters of an address, for people to recognise.
struct Ending(Address, usize);

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = heapless::String::<ADDRESS_MAX_BYTES>::new();
        write!(text, "{}", self.0)?;
        let end = text.get(text.len().saturating_sub(self.1)..).unwrap_or_default();
        write!(formatter, "..{end}")
    }
}

/// The title, a dot for each page, and a line below. A fault that was turned away takes the title's place.
fn heading(screen: &mut Screen, title: Title, page: Page, fault: Option<Fault>) {
    let dots = WIDTH - 4 * Page::ALL.len() as i32 + 1;
    let Title { left, text } = title;
    match fault {
        None => {
            screen.left(Font::Small, (left, 0), dots, format_args!("{text}"));
        }
        Some(fault) => {
            let text = notice::heading(fault);
            let end = screen.left(Font::Small, (left + 2, 0), dots - 2, format_args!("{text}"));
            screen.invert((left, 0), (end + 1 - left, 9));
        }
    }
    for (x, dot) in (dots..).step_by(4).zip(Page::ALL) {
        match dot == page {
            true => screen.fill((x, 2), (3, 3)),
            false => screen.fill((x + 1, 3), (1, 1)),
        }
    }
    screen.fill((left, 9), (WIDTH - left, 1));
}
