//! Every way to change one place of a receipt is refused.

use super::*;

/// Every receipt that differs from `receipt` in one place.
fn changes(receipt: &Value) -> Vec<(String, Value)> {
    let mut changed = Vec::new();
    change(receipt, &mut String::new(), &mut |place, pointer, value| {
        let mut copy = receipt.clone();
        *copy.pointer_mut(pointer).unwrap() = value;
        changed.push((format!("{pointer} {place}"), copy));
    });
    changed
}

fn change(value: &Value, pointer: &mut String, emit: &mut impl FnMut(&str, &str, Value)) {
    let length = pointer.len();
    let null = (!value.is_null()).then_some(Value::Null);
    null.into_iter().for_each(|null| emit("is null", pointer, null));
    match value {
        Value::Null => {
            for other in [json!(0), json!("00".repeat(32)), json!([]), json!({})] {
                emit("is something", pointer, other);
            }
        }
        Value::Bool(_) => panic!("there are no truth values"),
        Value::Number(number) => match number.as_u64() {
            Some(number) => {
                let others = [0, 1, number.wrapping_add(1), number.wrapping_sub(1), number ^ (1 << 40)];
                let others = others.into_iter().filter(|other| *other != number);
                others.for_each(|other| emit("is another number", pointer, json!(other)));
                emit("is a text", pointer, json!(number.to_string()));
            }
            None => emit("is another number", pointer, json!(number.as_f64().unwrap() * 1.000_000_1)),
        },
        Value::String(text) => {
            for (at, old) in text.char_indices() {
                for new in ['0', '1', 'f', 'q', old.to_ascii_uppercase()] {
                    if new != old {
                        let text = format!("{}{new}{}", &text[..at], &text[at + 1..]);
                        emit("has another character", pointer, json!(text));
                    }
                }
            }
            for text in [format!("{text}0"), format!("0{text}"), format!(" {text}"), text[1..].to_owned()] {
                emit("has another length", pointer, json!(text));
            }
        }
        Value::Array(items) => {
            let mut more = items.clone();
            more.extend(items.first().cloned().or_else(|| Some(json!("00".repeat(32)))));
            emit("has one more", pointer, json!(more));
            if !items.is_empty() {
                emit("has one less", pointer, json!(items[1..]));
            }
            if items.len() > 1 {
                emit("is turned", pointer, items.iter().rev().cloned().collect());
            }
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                change(item, pointer, emit);
                pointer.truncate(length);
            }
        }
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("more".to_owned(), json!(1));
            emit("has one more", pointer, Value::Object(more));
            for (name, item) in fields {
                let mut less = fields.clone();
                less.remove(name);
                emit("has one less", pointer, Value::Object(less));
                pointer.push_str(&format!("/{name}"));
                change(item, pointer, emit);
                pointer.truncate(length);
            }
        }
    }
}

/// Refuses every change, and returns how many there were.
#[track_caller]
fn assert_rigid(receipt: &Value) -> usize {
    let proven = judge(receipt).unwrap();
    let changed = changes(receipt);
    for (place, changed) in &changed {
        let Ok(other) = judge(changed) else { continue };
        panic!("{place}: {:?} passes for {:?}", other.subject, proven.subject);
    }
    changed.len()
}

#[test]
fn nothing_in_the_receipt_of_a_transaction_can_be_changed() {
    let chain = Chain::of(&[0, 5, 1, 1]);
    let many = chain.ids(2);
    for id in [&many[0], &many[2], &many[4], &chain.ids(3)[0]] {
        assert!(assert_rigid(&chain.transaction(id)) > 6_000);
    }
    assert!(assert_rigid(&chain.transaction(&chain.ids(4)[0])) > 5_000);
}

#[test]
fn nothing_in_the_receipt_of_an_account_can_be_changed() {
    let chain = Chain::of(&[0, 5, 1]);
    for (seed, height) in [(7, 1), (7, 2), (7, 3), (9, 2), (9, 3), (7, 0)] {
        assert!(assert_rigid(&chain.account(seed, height)) > 3_000, "{seed} at {height}");
    }
    assert_rigid(&Chain::of(&[]).account(7, 0));
}
