//! Every page against a picture that is kept in `golden`: two rows of pixels are one row of characters.
//! `GOLDEN=write` writes them anew, `PAGES=folder` writes each as a PBM picture to look at.

use std::format;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

use mote_core::units::{Amount, Height, Moment};
use proptest::prelude::*;

use super::*;
use crate::board::{DISPLAY_HEIGHT, DISPLAY_WIDTH};
use crate::command::Mining;
use crate::fixtures::{busy, extreme, ordinary, params, prepared};
use crate::report::{CardReport, Offence, PeerReport, PeerState, Stage};

/// The picture as text, framed, with half blocks.
fn text(pixels: &Pixels) -> String {
    let lit = |x: usize, y: usize| pixels[(y * DISPLAY_WIDTH + x) / 8] >> (7 - x % 8) & 1 == 1;
    let bar: String = "-".repeat(DISPLAY_WIDTH);
    let rows = (0..DISPLAY_HEIGHT).step_by(2).map(|y| {
        let row = (0..DISPLAY_WIDTH).map(|x| match (lit(x, y), lit(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        format!("|{}|\n", row.collect::<String>())
    });
    format!("+{bar}+\n{}+{bar}+\n", rows.collect::<String>())
}

fn check(name: &str, pages: &mut Pages, report: &Report<'_>) {
    let _ = pages.draw(report);
    assert!(!pages.draw(report), "{name}: the same report changes nothing");
    check_picture(name, pages.pixels());
}

fn check_picture(name: &str, pixels: &Pixels) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/display/golden/{name}.txt"));
    let got = text(pixels);
    if let Some(folder) = std::env::var_os("PAGES") {
        let mut picture = format!("P4\n{DISPLAY_WIDTH} {DISPLAY_HEIGHT}\n").into_bytes();
        picture.extend(pixels.map(|byte| !byte));
        std::fs::write(Path::new(&folder).join(format!("{name}.pbm")), picture).unwrap();
    }
    if std::env::var_os("GOLDEN").is_some() {
        std::fs::write(&path, &got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(got == expected, "{name} differs from {}:\n{got}", path.display());
}

fn check_all(prefix: &str, report: &Report<'_>) {
    let mut pages = Pages::new();
    for page in Page::ALL {
        let name = format!("{prefix}{page:?}").to_lowercase();
        check(&name, &mut pages, report);
        pages.next();
    }
    assert_eq!(pages.page, Page::Chain, "round and round");
}

#[test]
fn pages_of_an_ordinary_day() {
    let params = params("local:garden");
    check_all("", &busy(&params));
}

#[test]
fn pages_with_nothing_to_show() {
    let params = params("local");
    let mut report = ordinary(&params);
    (report.name, report.clock, report.ip, report.key, report.account) = ("", None, None, None, None);
    (report.stage, report.card, report.peers) = (Stage::NoNetwork, CardReport::None, Default::default());
    (report.tip.height, report.mining.switch) = (Height::GENESIS, Mining::Off);
    check_all("empty-", &report);
}

#[test]
fn pages_at_the_limits() {
    let params = params("local:abcdefghijklmnopqrstuvwxyz-01234");
    check_all("extreme-", &extreme(&params, "WWWWWWWWWWWWWWWWWWWWWWWW"));
}

#[test]
fn stages() {
    let params = params("test");
    let mut report = ordinary(&params);
    let mut stage = |name: &str, stage: Stage, pace_tenths| {
        (report.stage, report.pace_tenths) = (stage, pace_tenths);
        report.tip.height = stage.progress().map_or(Height::new(42), |(height, _)| height);
        check(name, &mut Pages::new(), &report);
    };
    stage("stage-no-network", Stage::NoNetwork, 0);
    stage("stage-no-peer", Stage::NoPeer, 0);
    stage("stage-at-tip", Stage::AtTip, 0);
    let (height, claimed) = (Height::new(48_213), Height::new(76_500));
    stage("stage-judging", Stage::Judging { height, claimed }, 1_205);
    stage("stage-validating", Stage::Validating { height: Height::new(870), goal: Height::new(1_000) }, 45);
    let highest = Height::new(u64::MAX);
    stage("stage-extreme", Stage::Validating { height: Height::new(u64::MAX - 1), goal: highest }, u32::MAX);
    stage("stage-unknown-pace", Stage::Validating { height: Height::GENESIS, goal: highest }, 0);
}

const FAULTS: [Fault; 7] = [
    Fault::DifficultyFell,
    Fault::ClockDisagrees,
    Fault::CardFailed,
    Fault::CardUnreadable,
    Fault::FallingBehind { blocks: 312 },
    Fault::FallingBehind { blocks: u64::MAX },
    Fault::NoHonestPeer,
];

#[test]
fn the_end_tells_its_reason() {
    let reason = "panicked at firmware/src/node/sync.rs:119:25:\nattempt to subtract with overflow";
    stopped(format_args!("{reason}"), |pixels| check_picture("stopped", pixels));
}

#[test]
fn faults_cover_everything() {
    let params = params("local");
    let mut report = busy(&params);
    report.prepared = Some(prepared());
    for (number, fault) in FAULTS.into_iter().enumerate() {
        assert!(notice::heading(fault).len() <= DISPLAY_WIDTH / 10);
        report.fault = Some(fault);
        let mut pages = Pages::new();
        check(&format!("fault-{number}-{}", fault.name()), &mut pages, &report);
        assert_eq!(pages.view(), View::Fault);
    }
}

#[test]
fn a_fault_can_be_turned_away_for_a_while() {
    let params = params("local");
    let mut report = ordinary(&params);
    report.fault = Some(Fault::FallingBehind { blocks: 9 });
    let mut pages = Pages::new();
    assert!(pages.draw(&report));
    pages.next();
    report.fault = Some(Fault::FallingBehind { blocks: 10 });
    check("fault-aside", &mut pages, &report);
    assert_eq!(pages.view(), View::Page);
    report.fault = Some(Fault::CardFailed);
    let _ = pages.draw(&report);
    assert_eq!(pages.view(), View::Fault, "another fault is shown");
    pages.previous();
    let _ = pages.draw(&report);
    assert_eq!(pages.view(), View::Page);
    report.uptime = report.uptime.plus(FAULT_ASIDE_MS);
    let _ = pages.draw(&report);
    assert_eq!(pages.view(), View::Fault, "it comes back");
}

#[test]
fn a_payment_asks_to_be_confirmed() {
    let params = params("local");
    let mut report = busy(&params);
    report.prepared = Some(prepared());
    let mut pages = Pages::new();
    check("prepared", &mut pages, &report);
    assert_eq!(pages.view(), View::Prepared);
    pages.next();
    assert_eq!(pages.page, Page::Chain);
    if let Some(prepared) = &mut report.prepared {
        (prepared.amount, prepared.fee) = (Amount::from_grains(u64::MAX), Amount::from_grains(u64::MAX));
        prepared.memo_bytes = 64;
    }
    check("extreme-prepared", &mut pages, &report);
}

/// Whatever rule an ordinary block breaks, its sentence is shown whole: four lines of 25 columns.
#[test]
fn sentences_of_rules_fit() {
    for rule in mote_core::rules::Rule::ALL {
        let text = format!("Block 1234567 breaks: {}", rule.sentence());
        let wrap = |(lines, column): (usize, usize), word: &str| match column + 1 + word.len() {
            end @ 0..=25 => (lines, end),
            _ => (lines + 1, word.len()),
        };
        let (lines, _) = text.split(' ').fold((0, 25), wrap);
        // The clock's rule is no offence, since time heals it.
        let is_shown = rule != mote_core::rules::Rule::HeaderTimeFuture;
        assert!(!is_shown || lines <= 4, "{}: {lines} lines", rule.id());
    }
}

#[test]
fn refusals() {
    let params = params("local");
    let mut report = busy(&params);
    let genesis = params.genesis_id();
    for (name, offence) in [
        ("websocket", Offence::WebSocket("expected status 101")),
        ("network", Offence::Peer(mote_core::peer::Offence::Network { got: genesis, expected: genesis })),
        ("order", Offence::Order { expected: "a transaction's witness", got: "the end" }),
    ] {
        if let Some(refused) = &mut report.refused {
            refused.offence = offence;
        }
        let mut pages = Pages::new();
        let _ = pages.draw(&report);
        pages.previous();
        check(&format!("refusal-{name}"), &mut pages, &report);
    }
}

/// The code is read back module by module and compared with the library's own drawing of the address.
#[test]
fn the_code_is_that_of_the_address() {
    use qrcodegen_no_heap::{QrCode, QrCodeEcc, Version};
    let params = params("local");
    let report = ordinary(&params);
    let mut pages = Pages::new();
    let _ = pages.draw(&report);
    pages.next();
    let _ = pages.draw(&report);
    let address = mote_core::address::Address::new(params.address_prefix, report.key.unwrap());
    let text = address.to_string().to_uppercase();
    let (mut temporary, mut out): (Vec<u8>, Vec<u8>) = (std::vec![0; 4_000], std::vec![0; 4_000]);
    let code = QrCode::encode_text(
        &text,
        &mut temporary,
        &mut out,
        QrCodeEcc::Low,
        Version::MIN,
        Version::MAX,
        Some(qrcodegen_no_heap::Mask::new(0)),
        false,
    );
    let code = code.map_err(|_| "too long").unwrap();
    assert_eq!(code.size(), 29);
    for (x, y) in (0..64).flat_map(|x| (0..64).map(move |y| (x, y))) {
        let lit = pages.pixels()[(y * DISPLAY_WIDTH + x) / 8] >> (7 - x % 8) & 1 == 1;
        let module = |at: usize| (at as i32 - 3).div_euclid(2);
        assert_eq!(lit, !code.get_module(module(x), module(y)), "{x} {y}");
    }
    assert_eq!(text.parse(), Ok(address), "capitals are the same address");
}

proptest! {
    /// Whatever a report says, drawing it ends, and the same report is the same picture.
    #[test]
    fn any_numbers_can_be_drawn(
        height in any::<u64>(), goal in any::<u64>(), pace in any::<u32>(), millis in any::<u64>(),
        name in "\\PC{0,24}", latency in any::<Option<u64>>(), grains in any::<u64>(), pages in 0_usize..6,
    ) {
        let params = params("local");
        let mut report = busy(&params);
        report.name = &name;
        report.tip.height = Height::new(height);
        report.stage = Stage::Judging { height: Height::new(height), claimed: Height::new(goal) };
        report.pace_tenths = pace;
        report.uptime = Moment::from_millis(millis);
        report.peers = [PeerReport { latency_ms: latency, state: PeerState::Connected, ..report.peers[0] }; 2];
        report.payments[0].amount = Amount::from_grains(grains);
        let mut shown = Pages::new();
        let _ = shown.draw(&report);
        (0..pages).for_each(|_| shown.next());
        let _ = shown.draw(&report);
        prop_assert!(!shown.draw(&report));
    }
}
