use super::*;

fn address(text: &str) -> PeerAddress {
    text.parse().unwrap()
}

#[test]
fn nobody_sends_a_node_to_its_neighbours() {
    let mut addresses = Addresses::default();
    let told =
        ["127.0.0.1:1", "10.0.0.1:1", "0.0.0.0:1", "224.0.0.1:1", "8.8.8.8:1", "[::1]:1", "169.254.1.1:1"];
    told.iter().for_each(|text| addresses.hear(address(text), &address("9.9.9.9:7700")));
    let dialled: Vec<_> =
        std::iter::from_fn(|| addresses.next_to_dial(Moment::default(), |_, _| true)).collect();
    assert_eq!(dialled, [address("8.8.8.8:1")]);
    addresses.hear(address("127.0.0.1:2"), &address("127.0.0.1:7700"));
    addresses.hear(address("10.0.0.2:2"), &address("10.0.9.9:7700"));
    addresses.hear(address("192.168.0.2:2"), &address("10.0.9.9:7700"));
    assert!(addresses.known.contains_key(&address("127.0.0.1:2")));
    assert!(addresses.known.contains_key(&address("10.0.0.2:2")));
    assert!(!addresses.known.contains_key(&address("192.168.0.2:2")));
}

#[test]
fn callers_and_hearsay_drive_out_nothing_that_worked() {
    let number = |first: u8, index: u32| {
        let [.., b, c, d] = index.to_be_bytes();
        PeerAddress::from_ip(IpAddr::from([first, b, c, d]), 7_700)
    };
    let mut addresses = Addresses::new(1);
    addresses.add(number(250, 0)).unwrap();
    let honest: Vec<PeerAddress> = (0..4).map(|index| number(240, index)).collect();
    honest.iter().for_each(|address| addresses.works(address.clone(), Origin::Proven));
    addresses.keep(&honest[1..3]);
    for index in 0..5_000 {
        addresses.works(number(8, index), Origin::Caller);
        addresses.failed(&number(8, index), "closed", Moment::default());
        addresses.hear(number(9, index), &number(8, 0));
        addresses.works(number(10, index), Origin::Proven);
        addresses.failed(&number(10, index), "closed", Moment::default());
    }
    assert!(addresses.known.len() <= KNOWN_MAX + PROVEN_MAX, "{}", addresses.known.len());
    let text = addresses.changes().unwrap();
    let mut restored = Addresses::new(2);
    assert_eq!(restored.restore(&text), 0);
    let dialled: Vec<PeerAddress> =
        std::iter::from_fn(|| restored.next_to_dial(Moment::default(), |_, _| true)).collect();
    assert_eq!(dialled[0], number(250, 0), "what was added comes first");
    let mut kept = dialled[1..3].to_vec();
    kept.sort();
    assert_eq!(kept, honest[1..3], "then what was connected longest");
    assert!(dialled.len() <= PROVEN_MAX + KEPT_MAX + 1, "{}", dialled.len());
}

#[test]
fn a_kept_peer_keeps_its_place_until_it_cannot_be_reached_any_more() {
    let mut addresses = Addresses::default();
    let all: Vec<PeerAddress> = (1..5).map(|index| address(&format!("8.8.8.{index}:1"))).collect();
    all.iter().for_each(|address| addresses.works(address.clone(), Origin::Proven));
    let kept = |addresses: &Addresses| -> Vec<PeerAddress> {
        let kept = addresses.known.iter().filter(|(_, known)| known.origin == Origin::Kept);
        kept.map(|(address, _)| address.clone()).collect()
    };
    addresses.keep(&all[..2]);
    assert_eq!(kept(&addresses), all[..2]);
    (0..FAILURES_KEPT_MAX).for_each(|_| addresses.failed(&all[0], "gone", Moment::default()));
    addresses.keep(&all[2..]);
    assert_eq!(kept(&addresses), all[..2], "it may come back");
    addresses.failed(&all[0], "gone", Moment::default());
    addresses.keep(&all[2..]);
    assert_eq!(kept(&addresses), all[1..3]);
}

#[test]
fn what_was_added_is_tried_for_ever_and_written_down() {
    let mut addresses = Addresses::default();
    addresses.add(address("host.example:1")).unwrap();
    let mut now = Moment::default();
    for _ in 0..50 {
        assert_eq!(addresses.next_to_dial(now, |_, _| true), Some(address("host.example:1")));
        assert_eq!(addresses.next_to_dial(now, |_, _| true), None);
        addresses.failed(&address("host.example:1"), "refused", now);
        now = now.plus(PAUSE_ADDED_MAX_MS);
    }
    let text = addresses.changes().unwrap();
    assert_eq!(addresses.changes(), None);
    let mut restored = Addresses::default();
    assert_eq!(restored.restore(&format!("{text}http://x/\n\u{0}\n")), 2);
    assert_eq!(restored.changes().unwrap(), text);
}
