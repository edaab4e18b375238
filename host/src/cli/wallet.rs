//! The wallet: made and shown by the node where it runs, else in its folder; used through the node.

use std::io::{self, Write};
use std::path::Path;

use mote_core::address::Address;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use serde_json::{Value, json};

use super::chain::memo;
use super::client::{Client, ClientError, Patience};
use super::error::CliError;
use super::flags::{AccountArguments, HistoryArguments, SecretArguments, SendArguments, WalletVerb};
use super::folder::{Folder, Place};
use super::output::{Facts, Form, Table, date, field, optional};
use super::secret::{self, Ask};
use crate::config::Config;
use crate::wallet::{Passphrase, Protection, Wallet};
use zeroize::Zeroizing;

/// Does what is asked of the wallet.
pub fn wallet(verb: WalletVerb, config: &Config, out: &mut impl Write) -> Result<(), CliError> {
    match verb {
        WalletVerb::New(arguments) => new(config, &arguments, out),
        WalletVerb::Show(form) => show(config, form, out),
        WalletVerb::Restore(arguments) => restore(config, &arguments, out),
        WalletVerb::Balance(arguments) => balance(&Client::new(config)?, &arguments, out),
        WalletVerb::Send(arguments) => send(&Client::new(config)?, &arguments, out),
        WalletVerb::History(arguments) => history(&Client::new(config)?, &arguments, out),
    }
}

fn new(config: &Config, arguments: &SecretArguments, out: &mut impl Write) -> Result<(), CliError> {
    let place = Place::of(config, Folder::made)?;
    refuse_existing(&place, config)?;
    let passphrase = secret::passphrase(arguments.passphrase_file.as_deref(), Ask::TwiceOrNone)?;
    let answer = match &place {
        Place::Node(client) => {
            client.post("/wallet", &with_passphrase(json!({}), passphrase.as_ref()), Patience::Work)?
        }
        Place::Folder(_) => {
            let passphrase = typed(passphrase.as_ref())?;
            let protection = Protection::standard(passphrase.as_ref());
            let (wallet, words) =
                Wallet::create(&config.wallet_path(), &config.network.to_string(), protection)?;
            json!({ "address": first_address(&wallet, config), "words": words.expose() })
        }
    };
    let words: Vec<&str> = match answer.get("words") {
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        other => other.and_then(Value::as_str).unwrap_or_default().split_whitespace().collect(),
    };
    Ok(arguments.form.print(out, &answer, |out| {
        write_words(&words, out)?;
        writeln!(out, "\nWrite these words down and keep them secret: they are the only backup, and never shown again.\n")?;
        Facts::default()
            .add("address", field(&answer, "address"))
            .add("encrypted", encryption(passphrase.is_some()))
            .write(out)
    })?)
}

fn restore(config: &Config, arguments: &SecretArguments, out: &mut impl Write) -> Result<(), CliError> {
    let place = Place::of(config, Folder::made)?;
    refuse_existing(&place, config)?;
    let words = secret::words()?;
    let passphrase = secret::passphrase(arguments.passphrase_file.as_deref(), Ask::TwiceOrNone)?;
    let answer = match &place {
        Place::Node(client) => {
            let body = with_passphrase(json!({ "words": words.as_str() }), passphrase.as_ref());
            client.post("/wallet/restore", &body, Patience::Work)?
        }
        Place::Folder(_) => {
            let passphrase = typed(passphrase.as_ref())?;
            let protection = Protection::standard(passphrase.as_ref());
            let wallet =
                Wallet::restore(&config.wallet_path(), &config.network.to_string(), &words, protection)?;
            json!({ "address": first_address(&wallet, config) })
        }
    };
    Ok(arguments.form.print(out, &answer, |out| {
        Facts::default()
            .add("address", field(&answer, "address"))
            .add("encrypted", encryption(passphrase.is_some()))
            .write(out)
    })?)
}

fn show(config: &Config, form: Form, out: &mut impl Write) -> Result<(), CliError> {
    let answer = match Place::of(config, Folder::existing)? {
        Place::Node(client) => client.get("/wallet")?,
        Place::Folder(_folder) => {
            let path = config.wallet_path();
            let wallet = Wallet::open(&path, &config.network.to_string())?;
            let Some(wallet) = wallet else {
                return Err(no_wallet(&path.display().to_string()));
            };
            if let Some(warning) = wallet.warning() {
                eprintln!("note: {warning}");
            }
            json!({
                "address": first_address(&wallet, config),
                "addresses": addresses(&wallet, config),
                "locked": wallet.is_locked(),
                "encrypted": wallet.is_encrypted(),
                "file": path.display().to_string(),
            })
        }
    };
    Ok(form.print(out, &answer, |out| {
        let mut facts = Facts::default().add("address", field(&answer, "address"));
        for name in ["balance", "pending", "nonce", "locked", "encrypted", "addresses", "file"] {
            facts = facts.add_some(name, optional(&answer, name));
        }
        facts.write(out)
    })?)
}

fn balance(client: &Client, arguments: &AccountArguments, out: &mut impl Write) -> Result<(), CliError> {
    let account = match &arguments.address {
        None => client.get("/wallet")?,
        Some(address) => client.get(&format!("/accounts/{}", checked(address)?))?,
    };
    Ok(arguments.form.print(out, &account, |out| {
        Facts::default()
            .add("address", field(&account, "address"))
            .add("balance", format!("{} motes", field(&account, "balance")))
            .add_some(
                "once all is mined",
                optional(&account, "pending").map(|motes| format!("{motes} motes")),
            )
            .write(out)
    })?)
}

fn send(client: &Client, arguments: &SendArguments, out: &mut impl Write) -> Result<(), CliError> {
    let mut body = json!({ "to": arguments.to, "amount": arguments.amount });
    let memo = match (&arguments.memo, &arguments.memo_hex) {
        (Some(text), _) => Some(json!(text)),
        (None, hex) => hex.as_ref().map(|hex| json!({ "hex": hex })),
    };
    let optional = [
        ("fee", arguments.fee.as_ref().map(|fee| json!(fee))),
        ("memo", memo),
        ("nonce", arguments.nonce.map(|nonce| json!(nonce))),
    ];
    for (name, value) in optional {
        if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
            body.insert(name.to_owned(), value);
        }
    }
    let sent = post_unlocked(client, arguments.passphrase_file.as_deref(), "/wallet/send", &body)?;
    Ok(arguments.form.print(out, &sent, |out| {
        Facts::default()
            .add("sent", format!("{} motes to {}", arguments.amount, arguments.to))
            .add("id", field(&sent, "id"))
            .add("fee", field(&sent, "fee"))
            .add("nonce", field(&sent, "nonce"))
            .write(out)
    })?)
}

/// Asks for something that needs the wallet's keys, and unlocks a locked wallet for this one time.
pub(super) fn post_unlocked(
    client: &Client,
    passphrase_file: Option<&Path>,
    path: &str,
    body: &Value,
) -> Result<Value, CliError> {
    match client.post(path, body, Patience::Answer) {
        Err(error) if error.code() == Some("wallet-locked") => {}
        done => return Ok(done?),
    }
    eprintln!("The wallet is locked.");
    let passphrase = secret::passphrase(passphrase_file, Ask::Once)?;
    client.post("/wallet/unlock", &with_passphrase(json!({}), passphrase.as_ref()), Patience::Answer)?;
    let done = client.post(path, body, Patience::Answer);
    client.post("/wallet/lock", &json!({}), Patience::Answer)?;
    Ok(done?)
}

fn history(client: &Client, arguments: &HistoryArguments, out: &mut impl Write) -> Result<(), CliError> {
    let address = match &arguments.address {
        Some(address) => address.clone(),
        None => field(&client.get("/wallet")?, "address"),
    };
    let path = format!("/accounts/{}/history?limit={}", checked(&address)?, arguments.limit);
    let history = client.get(&path)?;
    let entries = history.as_array().map_or(&[][..], Vec::as_slice);
    Ok(arguments.form.print(out, &history, |out| {
        if entries.is_empty() {
            return writeln!(out, "nothing yet");
        }
        let mut table = Table::new(["height", "time", "what", "amount", "other side", "memo", "id"]);
        for entry in entries {
            table.row(history_row(entry));
        }
        table.write(out)
    })?)
}

fn history_row(entry: &Value) -> [String; 7] {
    let role = field(entry, "role");
    let (sign, other) = match role.as_str() {
        "sent" => ("-", optional(entry, "recipient")),
        "received" => ("+", optional(entry, "sender")),
        "mined" => ("+", None),
        _ => ("", optional(entry, "recipient")),
    };
    [
        field(entry, "height"),
        entry.get("time").and_then(Value::as_u64).map(date).unwrap_or_default(),
        role,
        format!("{sign}{}", field(entry, "amount")),
        other.unwrap_or_default(),
        memo(entry).unwrap_or_default(),
        field(entry, "id"),
    ]
}

/// An address that may stand in a path.
fn checked(address: &str) -> Result<&str, CliError> {
    let parsed = address.parse::<Address>();
    parsed.map(|_| address).map_err(|error| CliError::Usage(format!("{address:?}: {error}")))
}

/// Nobody should think of a passphrase in vain.
fn refuse_existing(place: &Place, config: &Config) -> Result<(), CliError> {
    let there = match place {
        Place::Node(client) => match client.get("/wallet") {
            Ok(wallet) => Some(field(&wallet, "address")),
            Err(ClientError::Refused { code, .. }) if code == "no-wallet" => None,
            Err(error) => return Err(error.into()),
        },
        Place::Folder(_) => {
            let path = config.wallet_path();
            path.symlink_metadata().is_ok().then(|| path.display().to_string())
        }
    };
    match there {
        Some(there) => {
            Err(CliError::Failed(format!("there is a wallet already, and it is never overwritten: {there}")))
        }
        None => Ok(()),
    }
}

fn no_wallet(place: &str) -> CliError {
    CliError::Failed(format!("{place}: there is no wallet yet; make one with `mote wallet new`"))
}

fn typed(passphrase: Option<&Zeroizing<String>>) -> Result<Option<Passphrase>, CliError> {
    let typed = passphrase.map(|text| Passphrase::new(text.clone())).transpose();
    typed.map_err(|error| CliError::Failed(error.to_string()))
}

fn with_passphrase(mut body: Value, passphrase: Option<&Zeroizing<String>>) -> Value {
    if let (Some(passphrase), Some(body)) = (passphrase, body.as_object_mut()) {
        body.insert("passphrase".to_owned(), json!(passphrase.as_str()));
    }
    body
}

fn addresses(wallet: &Wallet, config: &Config) -> Vec<String> {
    let prefix = Params::new(config.network.clone()).address_prefix;
    let keys = wallet.public_keys().iter().copied().map(PublicKey::from_bytes);
    keys.map(|key| Address::new(prefix, key).to_string()).collect()
}

fn first_address(wallet: &Wallet, config: &Config) -> String {
    addresses(wallet, config).into_iter().next().unwrap_or_default()
}

fn encryption(is_encrypted: bool) -> &'static str {
    if is_encrypted { "yes" } else { "no: whoever reads the wallet file has the coins" }
}

/// The words with their numbers, in columns that are read downwards.
fn write_words(words: &[&str], out: &mut impl Write) -> io::Result<()> {
    const COLUMNS: usize = 4;
    let rows = words.len().div_ceil(COLUMNS);
    for row in 0..rows {
        let mut line = String::new();
        for (index, word) in words.iter().enumerate().skip(row).step_by(rows.max(1)) {
            line += &format!("{:>2}. {word:<12}", index + 1);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_numbered_downwards() {
        let words: Vec<String> = (1..=24).map(|number| format!("w{number}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut out = Vec::new();
        write_words(&words, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 6);
        assert_eq!(text.lines().next(), Some(" 1. w1           7. w7          13. w13         19. w19"));
    }

    #[test]
    fn history_says_which_way_motes_went() {
        let entry =
            json!({"role": "sent", "recipient": "lmote1r", "sender": "lmote1s", "amount": "5", "height": 3});
        let row = history_row(&entry);
        assert_eq!((row[3].as_str(), row[4].as_str()), ("-5", "lmote1r"));
    }
}
