//! Receipts and cards: what one machine hands to another, and what that one makes of it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mote_tests::processes::{Launch, program, wait_for_one_tip};
use serde_json::Value;

/// Checks a receipt as somebody who has nothing but the program.
fn verify(folder: &Path, arguments: &[&str], input: Option<&str>) -> Output {
    let mut command = Command::new(program());
    command.arg("verify").args(arguments).env_clear().env("HOME", folder).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("it has an input");
    // A program that has seen enough may end before it has read everything.
    let _ = pipe.write_all(input.unwrap_or_default().as_bytes());
    drop(pipe);
    child.wait_with_output().expect("the program ends")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

#[test]
fn a_receipt_outlives_the_node_that_gave_it() {
    let mut node = Launch::on("local:receipts").start();
    let payee = Launch::on("local:receipts").start().api().create_wallet().address;
    let payer = node.api().create_wallet().address;
    node.api().mine();
    let paid = node.api().send(&payee, "2.5").id;
    node.api().mine_many(3);
    let get = |path: String| -> Value { node.api().get(&path).expect(200) };
    let receipts = [
        ("payment", get(format!("/transactions/{paid}/proof"))),
        ("account", get(format!("/accounts/{payee}/proof"))),
        ("earlier", get(format!("/accounts/{payer}/proof?block=1"))),
        ("never", get(format!("/accounts/{payee}/proof?block=1"))),
    ];
    let tip = node.api().status().tip;
    assert_eq!(node.terminate().status.code(), Some(0), "{}", node.log());

    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, receipt) in &receipts {
        let file = format!("{name}.json");
        fs::write(folder.path().join(&file), receipt.to_string()).expect("a file");
        let output = verify(folder.path(), &[&file, "--tip", &tip], None);
        assert!(output.status.success(), "{name}: {}", said(&output));
        let output = verify(folder.path(), &["-", "--json"], Some(&format!("{receipt:#}")));
        assert!(output.status.success(), "{name}: {}", said(&output));
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&found["tip"], &found["anchored"]), (&Value::from(tip.as_str()), &Value::from(false)));
        let output = verify(folder.path(), &[&file], None);
        assert!(said(&output).contains("not anchored") && said(&output).contains(&tip), "{}", said(&output));
        let output = verify(folder.path(), &[&file, "--tip", &paid], None);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", said(&output));
    }
    let text = said(&verify(folder.path(), &["payment.json"], None));
    assert!(text.contains("a payment of 2.5 motes") && text.contains(&payee), "{text}");
    let text = said(&verify(folder.path(), &["never.json"], None));
    assert!(text.contains("never used until then"), "{text}");

    let forged = receipts[0].1.to_string().replacen("\"2.5\"", "\"25\"", 1);
    let output = verify(folder.path(), &["-", "--tip", &tip], Some(&forged));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("field transaction.id"), "{}", said(&output));
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), receipts.len(), "checking a receipt leaves nothing behind");
}

#[test]
fn a_card_leads_to_its_network() {
    let first = Launch::on("local:cards").start();
    first.api().create_wallet();
    first.api().mine_many(2);
    let card: Value = first.api().get("/card").expect(200);
    let text = |name: &str| card[name].as_str().unwrap_or_else(|| panic!("{name} is a string in {card}"));
    let words: Vec<&str> = text("command").split(' ').collect();
    let ["mote", "--network", network, "--port", port, "--peer", peer] = words[..] else { panic!("{card}") };
    assert_eq!((text("reachable"), network, peer), ("this-computer", "local:cards", &*first.address()));
    assert_eq!(port.parse(), Ok(first.port() + 1));
    assert!(text("text").ends_with(&format!("&peer={peer}")), "{card}");
    let second = Launch::on(network).with(&["--peer", peer]).start();
    assert_eq!(wait_for_one_tip(&[&first, &second]), 2);
    let code = first.api().try_send("GET", "/api/v1/qr?text=mote", None).expect("an answer");
    assert_eq!(code.status, 200);
    assert!(code.body.as_str().is_some_and(|text| text.starts_with("<svg ")), "{}", code.body);
}
