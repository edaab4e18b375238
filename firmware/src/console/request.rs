//! What can be typed.

use mote_core::address::{Address, ParseAddressError};
use mote_core::params::{MEMO_MAX_BYTES, Params};
use mote_core::transaction::Memo;
use mote_core::units::{Amount, ParseAmountError};

use crate::command::{Command, Mining};

/// Something that was asked for on the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// What can be typed.
    Help,
    /// The report, for people.
    Status,
    /// The report as JSON.
    StatusJson,
    /// The peers.
    Peers,
    /// The device's own address.
    Address,
    /// Something to do.
    Command(Command),
}

/// Why a line asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError<'a> {
    /// The first word is no command.
    #[error(
        "unknown command \"{got}\": expected status, pay, notarise, confirm, decline, mine, peers, address or help"
    )]
    Command {
        /// The word.
        got: &'a str,
    },
    /// A word is missing.
    #[error("something is missing: expected {expected}")]
    Missing {
        /// What the command looks like.
        expected: &'static str,
    },
    /// A word is too much.
    #[error("unexpected \"{got}\": expected {expected}")]
    Unexpected {
        /// The word.
        got: &'a str,
        /// What the command looks like.
        expected: &'static str,
    },
    /// A word is no address.
    #[error("\"{got}\" is no address here: {error}")]
    Address {
        /// The word.
        got: &'a str,
        /// Why not.
        error: ParseAddressError,
    },
    /// A word is no amount.
    #[error("\"{got}\" is no amount: {error}")]
    Amount {
        /// The word.
        got: &'a str,
        /// Why not.
        error: ParseAmountError,
    },
    /// A word is not hexadecimal.
    #[error("\"{got}\" is not hexadecimal: {error}")]
    Hex {
        /// The word.
        got: &'a str,
        /// Why not.
        error: HexError,
    },
    /// A memo is too long.
    #[error("expected a memo of at most {limit} bytes, got {got}")]
    Memo {
        /// How long it is.
        got: usize,
        /// How long it may be.
        limit: usize,
    },
}

/// Why a word is not hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// A character is no digit.
    #[error("character {position} is no hexadecimal digit")]
    Digit {
        /// Offset of the first wrong character.
        position: usize,
    },
    /// There is no whole number of bytes.
    #[error("expected an even number of digits, got {got}")]
    Odd {
        /// How many there are.
        got: usize,
    },
}

const PAY: &str = "pay ADDRESS AMOUNT [MEMO]";
const NOTARISE: &str = "notarise HEX";
const MINE: &str = "mine on|off";

/// What a line asks for, on the network of `params`.
pub fn parse<'a>(line: &'a str, params: &Params) -> Result<Request, ParseError<'a>> {
    let (command, rest) = word(line);
    let (request, form) = match command {
        "help" | "?" => (Request::Help, "help"),
        "status" => match rest {
            "json" => return Ok(Request::StatusJson),
            _ => (Request::Status, "status [json]"),
        },
        "peers" => (Request::Peers, "peers"),
        "address" => (Request::Address, "address"),
        "confirm" | "yes" => (Request::Command(Command::Confirm), "confirm"),
        "decline" | "no" => (Request::Command(Command::Decline), "decline"),
        "mine" => {
            let switch = match rest {
                "on" => Mining::On,
                "off" => Mining::Off,
                "" => return Err(ParseError::Missing { expected: MINE }),
                got => return Err(ParseError::Unexpected { got, expected: MINE }),
            };
            return Ok(Request::Command(Command::Mine(switch)));
        }
        "pay" => return pay(rest, params),
        "notarise" | "notarize" => return notarise(rest),
        got => return Err(ParseError::Command { got }),
    };
    if rest.is_empty() { Ok(request) } else { Err(ParseError::Unexpected { got: rest, expected: form }) }
}

fn pay<'a>(rest: &'a str, params: &Params) -> Result<Request, ParseError<'a>> {
    let (address, rest) = word(rest);
    let (amount, memo) = word(rest);
    if amount.is_empty() {
        return Err(ParseError::Missing { expected: PAY });
    }
    let recipient = Address::parse_for(address, params)
        .map_err(|error| ParseError::Address { got: address, error })?
        .public_key();
    let amount = amount.parse::<Amount>().map_err(|error| ParseError::Amount { got: amount, error })?;
    let memo = match memo.strip_prefix("hex:") {
        Some(digits) => hex(digits)?,
        None => bytes(memo.as_bytes())?,
    };
    Ok(Request::Command(Command::Pay { recipient, amount, memo }))
}

fn notarise(rest: &str) -> Result<Request, ParseError<'_>> {
    if rest.is_empty() {
        return Err(ParseError::Missing { expected: NOTARISE });
    }
    hex(rest.strip_prefix("hex:").unwrap_or(rest)).map(|memo| Request::Command(Command::Notarise(memo)))
}

fn bytes<'a>(text: &[u8]) -> Result<Memo, ParseError<'a>> {
    Memo::from_slice(text).map_err(|_| ParseError::Memo { got: text.len(), limit: MEMO_MAX_BYTES })
}

/// The bytes that digits of either case stand for.
#[inline(never)]
fn hex(digits: &str) -> Result<Memo, ParseError<'_>> {
    let wrong = |error| ParseError::Hex { got: digits, error };
    if let Some(position) = digits.bytes().position(|byte| !byte.is_ascii_hexdigit()) {
        return Err(wrong(HexError::Digit { position }));
    }
    if digits.len() % 2 == 1 {
        return Err(wrong(HexError::Odd { got: digits.len() }));
    }
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    let mut memo = Memo::new();
    for pair in digits.as_bytes().chunks_exact(2) {
        let byte = pair.iter().fold(0, |byte, digit| byte << 4 | value(*digit));
        let too_long = ParseError::Memo { got: digits.len() / 2, limit: MEMO_MAX_BYTES };
        memo.push(byte).map_err(|_| too_long)?;
    }
    Ok(memo)
}

/// The first word, and what follows it without the spaces around.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_ascii();
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_ascii())
}
