use std::time::Duration;

use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn admission() -> Admission {
    Admission::new(AdmissionLimits { remote_max: 5, network_max: 2, loopback_max: 3 })
}

/// Room for a connection on which the server works.
async fn admit_busy(admission: &Admission, address: &str) -> Option<Slot> {
    let admitting = timeout(SOON, admission.admit(address.parse().unwrap())).await;
    let slot = admitting.expect("nobody waits for a connection that works")?;
    slot.is_servers_turn().unwrap();
    Some(slot)
}

async fn admit(admission: &Admission, addresses: &[&str]) -> Vec<Option<Slot>> {
    let mut slots = Vec::new();
    for address in addresses {
        slots.push(admit_busy(admission, address).await);
    }
    slots
}

fn admitted(slots: &[Option<Slot>]) -> Vec<bool> {
    slots.iter().map(Option::is_some).collect()
}

#[test]
fn few_files_leave_room_for_this_computer_and_for_others() {
    let fits = |files| AdmissionLimits::default().within(files);
    let AdmissionLimits { remote_max, loopback_max, .. } = AdmissionLimits::default();
    for files in [usize::MAX, 1 << 20, 1_024, 512, 300] {
        let fits = fits(files);
        assert!(
            fits.remote_max + fits.loopback_max <= files.saturating_sub(OTHER_FILES),
            "{files}: {fits:?}"
        );
        assert!(fits.remote_max > 4 && fits.loopback_max > 4, "{files}: {fits:?}");
    }
    assert_eq!((fits(1 << 20).remote_max, fits(1 << 20).loopback_max), (remote_max, loopback_max));
    assert_eq!((fits(1_024).remote_max, fits(1_024).loopback_max), (512, 256));
}

#[tokio::test]
async fn a_network_has_its_share() {
    let admission = admission();
    let slots = admit(&admission, &["192.0.2.1", "::ffff:192.0.2.2", "192.0.2.3", "192.0.3.1"]).await;
    assert_eq!(admitted(&slots), [true, true, false, true]);
    let slots = admit(&admission, &["2001:db8:1::1", "2001:db8:1:2::1", "2001:db8:1::3"]).await;
    assert_eq!(admitted(&slots), [true, true, false]);
}

#[tokio::test]
async fn a_full_house_still_lets_its_owner_in() {
    let admission = admission();
    let outside = ["1.0.0.1", "1.0.1.1", "1.0.2.1", "1.0.3.1", "1.0.4.1", "1.0.5.1"];
    let slots = admit(&admission, &outside).await;
    assert_eq!(admitted(&slots), [true, true, true, true, true, false]);
    let own = admit(&admission, &["127.0.0.1", "::1", "127.0.0.2", "127.0.0.1"]).await;
    assert_eq!(admitted(&own), [true, true, true, false]);
    drop(slots);
    assert!(admit_busy(&admission, "1.0.5.1").await.is_some());
}

#[tokio::test]
async fn a_connection_counts_until_its_last_part_is_gone() {
    let admission = admission();
    let first = admit_busy(&admission, "192.0.2.1").await;
    let part = first.clone();
    let _second = admit_busy(&admission, "192.0.2.1").await;
    drop(first);
    assert!(admit_busy(&admission, "192.0.2.1").await.is_none());
    drop(part);
    assert!(admit_busy(&admission, "192.0.2.1").await.is_some());
}

/// Ends the connection once it is told to make room; which one it was.
fn hold(slot: Slot, name: &'static str) -> tokio::task::JoinHandle<&'static str> {
    tokio::spawn(async move {
        slot.told_to_leave().await;
        assert_eq!(slot.is_servers_turn(), Err(MakingRoom), "nothing is begun on a connection that leaves");
        name
    })
}

async fn first_to_leave(held: Vec<tokio::task::JoinHandle<&'static str>>) -> &'static str {
    timeout(SOON, futures_util::future::select_all(held)).await.expect("one makes room").0.unwrap()
}

#[tokio::test]
async fn who_has_waited_for_its_client_for_the_longest_makes_room() {
    let admission = admission();
    let admit = async || admission.admit("127.0.0.1".parse().unwrap()).await.unwrap();
    let (first, second, third) = (admit().await, admit().await, admit().await);
    // The first one asked for something and got it, so the second has waited since before.
    first.is_servers_turn().unwrap();
    first.is_clients_turn();
    let held = vec![hold(first, "first"), hold(second, "second"), hold(third, "third")];
    let (newcomer, left) = tokio::join!(timeout(SOON, admit()), first_to_leave(held));
    assert_eq!(left, "second");
    drop(newcomer.expect("there is room"));
}

#[tokio::test]
async fn a_network_makes_room_for_itself_and_the_largest_for_others() {
    let admission = admission();
    let admit = async |address: &str| admission.admit(address.parse().unwrap()).await.unwrap();
    let mut held = Vec::new();
    for (address, name) in [("1.0.0.1", "single"), ("1.0.1.1", "double"), ("1.0.1.2", "double again")] {
        held.push(hold(admit(address).await, name));
    }
    let (_own, left) = tokio::join!(admit("1.0.1.3"), first_to_leave(held.drain(1..2).collect()));
    assert_eq!(left, "double");
    let _rest = (admit("1.0.2.1").await, admit("1.0.3.1").await);
    let (_other, left) = tokio::join!(admit("1.0.4.1"), first_to_leave(held));
    assert_eq!(left, "double again");
}
