//! What honest peers ask, and what the users and the miner of the node do.

use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Request, Switch};
use mote::node::{Input, Ticket};
use mote_core::transaction::Transaction;
use mote_core::wire::Message;

use super::{Choices, Grove, Stage};
use crate::devices::branch::with_list;
use crate::fixtures::{account, wire};

impl Stage {
    /// Asks what an honest peer may ask.
    pub(super) fn ask(&mut self, choices: &mut Choices<'_>) {
        let Some(peer) = self.some_peer(choices) else { return };
        let Some(remote) = self.peers.get(&peer).filter(|remote| remote.has_greeted) else { return };
        let block = choices.of(&Grove::get().branches[remote.branch]);
        let id = block.header.id();
        let payment = choices.of(&Grove::get().payments);
        let tip = self.node().ledger().tip().id();
        let request = match choices.byte() % 10 {
            0 => wire(&Message::GetBlock(id)),
            1 => with_list(&[id], |list| {
                wire(&Message::GetHeaders { locator: list, limit: u16::from(choices.byte()) })
            }),
            2 => wire(&Message::GetWitness(id)),
            3 => wire(&Message::GetAccount { block: id, key: account(choices.number() % 10).account_key() }),
            4 => wire(&Message::GetInclusion(block.transactions.first().map_or(id, Transaction::id))),
            5 => with_list(std::slice::from_ref(payment), |transactions| {
                wire(&Message::GetTemplateWitness { tip, miner: account(4), transactions })
            }),
            6 => with_list(&[payment.id()], |list| wire(&Message::GetTransactions(list))),
            7 => wire(&Message::GetAddresses),
            8 => {
                let places: Vec<u32> = (0..block.transactions.len() as u32).collect();
                let places = &places[choices.below(places.len() + 1)..];
                with_list(places, |places| wire(&Message::GetBlockTransactions { block: id, places }))
            }
            _ => wire(&Message::Ping(choices.number())),
        };
        self.tell(peer, request);
    }

    pub(super) fn offer_payment(&mut self, choices: &mut Choices<'_>) {
        let payment = choices.of(&Grove::get().open);
        let Some(peer) = self.some_peer(choices) else { return };
        if !self.peers.get(&peer).is_some_and(|remote| remote.has_greeted) {
            return;
        }
        let message = if choices.byte().is_multiple_of(2) {
            wire(&Message::Transaction(payment.clone()))
        } else {
            with_list(&[payment.id()], |list| wire(&Message::HaveTransactions(list)))
        };
        self.tell(peer, message);
    }

    pub(super) fn request(&mut self, choices: &mut Choices<'_>) {
        let address = PeerAddress::from_ip([10, 1 + choices.byte() % 8, 0, 1].into(), 7_000);
        let request = match choices.byte() % 6 {
            0 => Request::Submit(choices.of(&Grove::get().open).clone()),
            1 => Request::AddPeer(address),
            2 => Request::RemovePeer(address),
            3 => Request::Resolve,
            4 => Request::MineBlock(account(6)),
            _ => Request::SetMining(MiningSettings {
                miner: choices.byte().is_multiple_of(2).then(|| account(7)),
                switch: if choices.byte().is_multiple_of(2) { Switch::On } else { Switch::Off },
                threads: 1,
                limit: RateLimit::Unlimited,
            }),
        };
        self.tickets += 1;
        let submitted =
            if let Request::Submit(transaction) = &request { Some(transaction.clone()) } else { None };
        self.input(Input::Request(Ticket(self.tickets), request));
        if let Some(transaction) =
            submitted.filter(|transaction| self.acknowledged.contains_key(&transaction.id()))
        {
            assert!(self.is_kept(&transaction.sender, transaction.nonce));
        }
    }

    pub(super) fn find(&mut self, choices: &mut Choices<'_>) {
        let Some(order) = self.order.clone() else { return };
        let nonce = if choices.once_in(4) { Some(choices.number()) } else { order.job.search(0..1 << 16) };
        if let Some(nonce) = nonce {
            self.input(Input::Found { job: order.id, nonce });
        }
    }
}
