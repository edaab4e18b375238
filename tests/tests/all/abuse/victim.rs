//! A node that is abused, and an honest peer of it.

use mote_core::params::{Network, Params};
use mote_tests::abuse::{Abuse, Target, Underway, raise_file_limit};
use mote_tests::processes::{Answer, Api, Launch, Node, PATIENCE, Status, Usage, wait_until};
use serde_json::json;

/// The most memory that a node may ever use, in kibibytes, whatever is done to it.
pub const PEAK_MAX_KIB: u64 = 512 * 1024;

/// The most memory that may be left in use for good by what was done to a node, in kibibytes.
const COST_MAX_KIB: u64 = 48 * 1024;

/// The most files that a node may have open: its connections and what it keeps its chain in.
const FILES_MAX: usize = 1_504;

/// The most threads that a node may have.
const THREADS_MAX: u64 = 64;

/// Connections of honest clients that may still be open at the end.
const SPARE_FILES: usize = 16;

/// A node and its honest peer.
pub struct Victim {
    pub node: Node,
    peer: Node,
    before: Usage,
}

impl Victim {
    /// A node with a short chain, which its peer has.
    pub fn start() -> Self {
        raise_file_limit();
        let [node, peer] = [(); 2].map(|()| Launch::regtest().start());
        node.api().create_wallet();
        node.api().mine_many(5);
        peer.api().create_wallet();
        peer.add_peer(&node);
        let before = node.usage();
        let victim = Self { node, peer, before };
        victim.has_one_chain_with(&victim.peer);
        victim
    }

    /// Where to strike.
    pub fn target(&self) -> Target {
        let address = self.node.address().parse().expect("an address");
        Target { address, params: Params::new(Network::Regtest) }
    }

    /// The node works for others while it is abused, does this `meanwhile` as well, and is what it was once that
    /// is over. The abuse goes on for so many blows at least.
    #[track_caller]
    pub fn endures(&self, abuse: &Abuse, blows: usize, meanwhile: impl Fn(&Self)) {
        let underway = abuse.begin(&self.target());
        wait_until("the abuse is under way", PATIENCE, || self.has_suffered(&underway, blows / 2));
        self.works();
        meanwhile(self);
        wait_until("the abuse went on", PATIENCE, || self.has_suffered(&underway, blows));
        self.works();
        drop(underway);
        self.is_well();
    }

    fn has_suffered(&self, underway: &Underway, blows: usize) -> Result<(), String> {
        let usage = self.node.usage();
        assert!(usage.files <= FILES_MAX, "{usage:?}");
        if underway.blows() >= blows { Ok(()) } else { Err(format!("{} of {blows}", underway.blows())) }
    }

    /// Blocks of either side come to the other.
    #[track_caller]
    pub fn works(&self) {
        for miner in [&self.peer, &self.node] {
            let mined = insist(&miner.api(), "POST", "/api/v1/mining/block", 201);
            assert!(mined.body["height"].as_u64().is_some_and(|height| height > 0), "{mined:?}");
            self.has_one_chain_with(&self.peer);
        }
    }

    fn has_one_chain_with(&self, other: &Node) {
        let status = |node: &Node| insist(&node.api(), "GET", "/api/v1/status", 200).expect::<Status>(200);
        wait_until("both have one tip", PATIENCE, || {
            let (here, there) = (status(&self.node), status(other));
            if here.tip == there.tip { Ok(()) } else { Err(format!("{here:?}\n{there:?}")) }
        });
    }

    /// A new peer gets the chain, and the next block.
    #[track_caller]
    pub fn takes_in_a_newcomer(&self) {
        let newcomer = Launch::regtest().start();
        newcomer.add_peer(&self.node);
        self.has_one_chain_with(&newcomer);
        self.works();
        self.has_one_chain_with(&newcomer);
    }

    /// The node answers, a new peer gets its chain, and nothing is left of what was done to it.
    #[track_caller]
    pub fn is_well(&self) {
        self.takes_in_a_newcomer();
        wait_until("nothing is left of it", PATIENCE, || {
            let usage = self.node.usage();
            let is_back = usage.files <= self.before.files + SPARE_FILES
                && usage.resident_kib <= self.before.resident_kib + COST_MAX_KIB;
            if is_back { Ok(()) } else { Err(format!("{usage:?}, and before {:?}", self.before)) }
        });
        let usage = self.node.usage();
        println!("before {:?}, after {usage:?}", self.before);
        assert!(usage.peak_kib <= PEAK_MAX_KIB && usage.threads <= THREADS_MAX, "{usage:?}");
        let log = self.node.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// Asks until there is an answer: a node that is crowded may end a connection, and is asked again.
#[track_caller]
fn insist(api: &Api, method: &str, path: &str, status: u16) -> Answer {
    let body = (method == "POST").then(|| json!({}));
    wait_until("the node answers", PATIENCE, || {
        let answer = api.try_send(method, path, body.as_ref())?;
        if answer.status == status { Ok(answer) } else { Err(format!("{answer:?}")) }
    })
}
