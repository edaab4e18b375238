//! A device of the world: the firmware's node with its card and its connections, given its turns as the
//! firmware's own loop gives them, without frames, display and console.

mod link;

use mote_core::card::{Identity, Mines};
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, SecretKey};
use mote_core::params::{Network, Params};
use mote_core::transaction::Memo;
use mote_core::units::{Amount, Height, Moment};
use mote_core::wire::{Message, REFUSAL_MAX_BYTES};
use mote_firmware::command::{Command, Mining, Outcome};
use mote_firmware::device::{CardSlot, Remembered, SAVE_MS};
use mote_firmware::event::Event;
use mote_firmware::node::{Chains, Node, RECORD_MAX_BYTES, Settings, Surroundings};
use mote_firmware::report::{Offence, PEERS, Stage};
use self_cell::{MutBorrow, self_cell};

use link::{Link, LinkStage, socket_address, take_message};

use super::card::SimulatedCard;
use super::place::{greeting_nonce, seed};
use crate::encoding::encoded;
use crate::node::PeerId;

/// A block of the regtest network takes two attempts on average; so many slices of them without success do not
/// happen.
const SLICES_MAX: u32 = 64;

self_cell!(
    /// A node and the memory that it works in, which are one thing on a board.
    struct Powered {
        owner: MutBorrow<Chains>,
        #[covariant]
        dependent: Node,
    }
);

/// A device.
pub struct Device {
    params: Params,
    /// Its number among all that are in the world.
    pub number: usize,
    /// Counts its starts, so that what was meant for an earlier life does not reach a later one.
    pub life: u64,
    /// Its card, which outlives its power.
    pub card: SimulatedCard,
    /// Counts the changes of its hash rate.
    pub rate_changes: u64,
    /// Its share of the hash rate, against the other shares.
    pub rate: u64,
    powered: Option<Powered>,
    slot: CardSlot,
    links: Vec<Link>,
    /// What it told since that was last taken.
    told: Vec<Event>,
    since: u64,
    saved: Moment,
}

/// Something to do outside.
#[derive(Debug)]
pub enum Action {
    /// Open a connection to a node.
    Dial(usize),
    /// Send a message.
    Send(PeerId, Vec<u8>),
    /// End a connection, for an offence of the peer where there is one.
    Close(PeerId, Option<Offence>),
}

/// What surrounds the node for a turn.
struct Outside<'a> {
    card: &'a mut SimulatedCard,
    slot: &'a mut CardSlot,
    told: &'a mut Vec<Event>,
}

impl Surroundings for Outside<'_> {
    fn keep_snapshot(&mut self, tip: &Tip) {
        self.slot.keep_snapshot(Some(self.card), tip);
    }

    fn load_snapshot(&mut self, height: Height, into: &mut Tip) -> bool {
        self.slot.load_snapshot(Some(self.card), height, into)
    }

    fn snapshot_id(&mut self, height: Height) -> Option<Hash32> {
        self.slot.snapshot_id(Some(self.card), height)
    }

    fn work(&mut self) -> u64 {
        0
    }

    fn count_checks(&mut self, _: u64) {}

    fn tell(&mut self, event: Event) {
        self.told.push(event);
    }
}

impl Device {
    /// A device that is off and knows these nodes, at most as many as it has connections.
    pub fn new(number: usize, params: &Params, nodes: &[usize]) -> Self {
        let identity = Identity {
            network: Network::Regtest.to_string().parse().unwrap_or_default(),
            name: "simulated".parse().unwrap_or_default(),
            seed: Some(seed(number)),
            entropy: seed(number),
            peers: Default::default(),
            mines: Mines::FromTheStart,
        };
        let mut card = SimulatedCard::provisioned(&identity);
        let (slot, _) = CardSlot::open(Some(&mut card));
        Self {
            number,
            params: params.clone(),
            life: 0,
            card,
            rate: 1,
            rate_changes: 0,
            powered: None,
            slot,
            links: nodes.iter().take(PEERS).map(|node| Link::new(*node)).collect(),
            told: Vec::new(),
            since: 0,
            saved: Moment::default(),
        }
    }

    /// Switches it on: it starts from what its card holds.
    pub fn start(&mut self, millis: u64) {
        self.life += 1;
        self.since = millis;
        self.saved = Moment::default();
        let (slot, identity) = CardSlot::open(Some(&mut self.card));
        self.slot = slot;
        let settings = Settings {
            params: self.params.clone(),
            key: identity.seed.as_ref().map(SecretKey::from_seed),
            nonce: greeting_nonce(self.number, u64::from(self.slot.starts())),
            mining: Mining::On,
            peers: self.links.len(),
            checkpoint: None,
        };
        let mut powered =
            Powered::new(MutBorrow::new(Chains::new()), |chains| Node::new(settings, chains.borrow_mut()));
        powered.with_dependent_mut(|_, node| {
            self.slot.restore(Some(&mut self.card), node, &mut [0; RECORD_MAX_BYTES]);
        });
        self.powered = Some(powered);
        for link in &mut self.links {
            *link = Link::new(link.to);
        }
    }

    /// Cuts its power, with all that is not on the card.
    pub fn power_off(&mut self) {
        self.powered = None;
        self.card.power_on();
        self.told.clear();
    }

    /// What its node shows; none while it is off.
    pub fn node(&self) -> Option<&Node<'_>> {
        self.powered.as_ref().map(Powered::borrow_dependent)
    }

    /// Its card as it uses it.
    pub fn slot(&self) -> &CardSlot {
        &self.slot
    }

    /// What it told since this was last asked.
    pub fn told(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.told)
    }

    /// Whether it is one of the nodes that this device connects to.
    pub fn knows(&self, node: usize) -> bool {
        self.links.iter().any(|link| link.to == node)
    }

    fn now(&self, millis: u64) -> Moment {
        Moment::from_millis(millis - self.since)
    }

    /// Gives it its turn: time, what it has to say, and its card.
    pub fn turn(&mut self, millis: u64) -> Vec<Action> {
        let now = self.now(millis);
        let Self { powered: Some(powered), card, slot, told, links, saved, .. } = self else {
            return Vec::new();
        };
        powered.with_dependent_mut(|_, node| {
            node.tick(now);
            node.follow_somebody(now);
            let mut actions = Vec::new();
            for (peer, link) in links.iter_mut().enumerate() {
                let outside = &mut Outside { card, slot, told };
                link.turn(peer, node, outside, (millis, now), &mut actions);
            }
            let is_due = node.stage() == Stage::AtTip || now.since(*saved) >= SAVE_MS;
            if node.is_changed() && is_due {
                *saved = now;
                save(node, card, slot, told);
            }
            actions
        })
    }

    /// A connection to a node came about, or did not.
    pub fn dialled(&mut self, to: usize, opened: Option<PeerId>, millis: u64) {
        let now = self.now(millis);
        let Some(powered) = &mut self.powered else { return };
        let links = self.links.iter_mut().enumerate();
        let dialling = links.filter(|(_, link)| link.stage == LinkStage::Dialling && link.to == to);
        for (peer, link) in dialling {
            match (opened, socket_address(to)) {
                (Some(id), Some(address)) => {
                    (link.stage, link.since) = (LinkStage::Open(id), millis);
                    powered.with_dependent_mut(|_, node| node.opened(peer, address, now));
                }
                _ => link.wait(millis, None),
            }
        }
    }

    /// A connection ended.
    pub fn closed(&mut self, id: PeerId, millis: u64) {
        let Some((peer, powered)) = self.link(id).zip(self.powered.as_mut()) else { return };
        powered.with_dependent_mut(|_, node| node.closed(peer));
        self.links.iter_mut().skip(peer).take(1).for_each(|link| link.wait(millis, None));
    }

    /// A message came.
    pub fn hear(&mut self, id: PeerId, bytes: &[u8], millis: u64) -> Vec<Action> {
        let now = self.now(millis);
        let Some(peer) = self.link(id) else { return Vec::new() };
        let Self { powered: Some(powered), card, slot, told, links, .. } = self else { return Vec::new() };
        powered.with_dependent_mut(|_, node| {
            let heard = take_message(node, peer, bytes, now, &mut Outside { card, slot, told });
            let Err(offence) = heard else { return Vec::new() };
            node.distrust(peer, &offence);
            node.closed(peer);
            links.iter_mut().skip(peer).take(1).for_each(|link| link.wait(millis, Some(&offence)));
            let text = offence.to_string();
            let cut = text.floor_char_boundary(REFUSAL_MAX_BYTES);
            let refused = encoded(&Message::Refused(text.get(..cut).unwrap_or_default()));
            vec![Action::Send(id, refused), Action::Close(id, Some(offence))]
        })
    }

    fn link(&self, id: PeerId) -> Option<usize> {
        self.links.iter().position(|link| link.stage == LinkStage::Open(id))
    }

    /// Lets it mine until it has found a block, where it has something to mine on.
    pub fn mine(&mut self, millis: u64) {
        let now = self.now(millis);
        let Self { powered: Some(powered), card, slot, told, .. } = self else { return };
        powered.with_dependent_mut(|_, node| {
            let before = node.tip().id;
            for _ in 0..SLICES_MAX {
                if node.is_mining() && node.tip().id == before {
                    node.mine(now, &mut Outside { card, slot, told });
                }
            }
        });
    }

    /// Has it pay somebody; the payment's id, and whether that is on the card.
    pub fn pay(&mut self, recipient: PublicKey, amount: Amount) -> Option<(Hash32, Remembered)> {
        let Self { powered: Some(powered), card, slot, told, .. } = self else { return None };
        powered.with_dependent_mut(|_, node| {
            let payment = Command::Pay { recipient, amount, memo: Memo::new() };
            if !matches!(node.command(payment), Outcome::Prepared { .. }) {
                return None;
            }
            let Outcome::Sent { id } = node.command(Command::Confirm) else { return None };
            // What left without being remembered could be paid twice after a power cut.
            if save(node, card, slot, told) == Remembered::No {
                node.take_back(&id);
                return Some((id, Remembered::No));
            }
            node.announce_payments();
            Some((id, Remembered::Yes))
        })
    }
}

/// Saves the node's state.
fn save(
    node: &mut Node<'_>,
    card: &mut SimulatedCard,
    slot: &mut CardSlot,
    told: &mut Vec<Event>,
) -> Remembered {
    let remembered = slot.save(Some(card), node);
    node.note_saved();
    if remembered == Remembered::Yes {
        told.push(Event::Saved { height: node.tip().height });
    }
    remembered
}
