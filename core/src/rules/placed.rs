//! Checked transactions with the places of their accounts.

use super::CheckedTransaction;
use crate::hash::{Hashes, SIDE_BY_SIDE, hash_all_alike};
use crate::keys::AccountKey;

/// A checked transaction, and where its two accounts stand in the account tree.
#[derive(Clone, Copy, Debug)]
pub struct PlacedTransaction<'a> {
    checked: CheckedTransaction<'a>,
    sender: AccountKey,
    recipient: AccountKey,
}

impl<'a> From<CheckedTransaction<'a>> for PlacedTransaction<'a> {
    fn from(checked: CheckedTransaction<'a>) -> Self {
        let (sender, recipient) = (checked.transaction().sender, checked.transaction().recipient);
        Self { checked, sender: sender.account_key(), recipient: recipient.account_key() }
    }
}

impl<'a> PlacedTransaction<'a> {
    /// All of them, in their order, many keys hashed at a time.
    pub fn of_all<'c, 'h, H: Hashes>(
        checked: &'c [CheckedTransaction<'a>],
        hashes: &'h H,
    ) -> impl Iterator<Item = Self> + use<'a, 'c, 'h, H> {
        checked.chunks(SIDE_BY_SIDE / 2).flat_map(|checked| {
            let mut preimages = heapless::Vec::<_, SIDE_BY_SIDE>::new();
            for transaction in checked.iter().map(CheckedTransaction::transaction) {
                let _ = preimages.push(transaction.sender.account_preimage());
                let _ = preimages.push(transaction.recipient.account_preimage());
            }
            let mut keys = hash_all_alike(hashes, &preimages).into_iter();
            checked.iter().map_while(move |checked| {
                Some(Self { checked: *checked, sender: keys.next()?, recipient: keys.next()? })
            })
        })
    }

    /// The transaction.
    pub fn checked(&self) -> &CheckedTransaction<'a> {
        &self.checked
    }

    /// Where the sender's account stands.
    pub fn sender(&self) -> AccountKey {
        self.sender
    }

    /// Where the recipient's account stands.
    pub fn recipient(&self) -> AccountKey {
        self.recipient
    }
}
