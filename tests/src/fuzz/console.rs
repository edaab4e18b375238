//! The console of a device: any bytes are lines that ask for something or are refused in one line of text, and an order
//! to pay says exactly what was typed.

use mote_core::address::Address;
use mote_core::transaction::Memo;
use mote_firmware::command::Command;
use mote_firmware::console::{Console, Input, LINE_MAX_BYTES, Request, parse};
use mote_firmware::event::Event;

use crate::fixtures::{account, regtest};

/// The bytes are typed.
pub fn run(data: &[u8]) {
    let params = regtest();
    let (mut console, mut echo) = (Console::new(), String::new());
    for byte in data {
        match console.receive(*byte, &mut echo) {
            Input::Pending => {}
            Input::Line(line) => {
                assert!(!line.is_empty() && line.len() <= LINE_MAX_BYTES, "a line of {} bytes", line.len());
                match parse(line, &params) {
                    Ok(request) => says_what_was_typed(line, &request),
                    Err(error) => {
                        let text = error.to_string();
                        assert!(!text.is_empty());
                    }
                }
            }
            Input::Refused(error) => assert!(!error.to_string().is_empty()),
        }
    }
    console.write_event(&Event::FaultCleared, &mut echo).expect("a string takes everything");
    let visible = echo.replace("\r\x1b[K", "").replace("\u{8} \u{8}", "");
    let moves = visible.chars().any(|letter| letter.is_control() && letter != '\n');
    assert!(!moves, "the echo moves the cursor: {visible:?}");
}

/// Everything that can be typed.
pub fn seeds() -> Vec<Vec<u8>> {
    let address = Address::new(regtest().address_prefix, account(1));
    let other = Address::new(mote_core::address::AddressPrefix::Main, account(1));
    [
        "help\n?\n".to_owned(),
        "status\rstatus json\r\n".to_owned(),
        format!("pay {address} 12.5 thanks for all\n"),
        format!("pay {address} 0.000001 hex:cafe01\n"),
        format!("pay {other} 1\n"),
        "notarise cafe01\nnotarize hex:00\n".to_owned(),
        "mine on\nmine off\nmine\nmine maybe\n".to_owned(),
        "confirm\nyes\ndecline\nno\npeers\naddress\n".to_owned(),
        "sta\u{8}\u{8}tus\u{15}peers\u{3}\x1b[Ahelp\t\n".to_owned(),
        "x".repeat(300),
        "gr\u{fc}\u{df}e\n".to_owned(),
        "\u{9b}2Jhe\u{85}lp\n".to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}

fn says_what_was_typed(line: &str, request: &Request) {
    let Request::Command(command) = request else { return };
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    match command {
        Command::Pay { recipient, amount, memo } => {
            let address: Address = words[1].parse().expect("an address was typed");
            assert_eq!(address.public_key(), *recipient);
            assert_eq!(words[2].parse(), Ok(*amount));
            assert!(memo.is_empty() || words.len() > 3, "a memo that nobody typed");
        }
        Command::Notarise(memo) => {
            let digits = words[1].strip_prefix("hex:").unwrap_or(words[1]);
            let written: String = memo.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(digits.eq_ignore_ascii_case(&written), "{digits} and {written}");
            assert!(Memo::from_slice(memo).is_ok());
        }
        Command::Confirm | Command::Decline | Command::Mine(_) => {}
    }
}
