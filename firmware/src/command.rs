//! What the owner of a device can tell it to do, on the console or with a button.

use mote_core::keys::PublicKey;
use mote_core::transaction::Memo;
use mote_core::units::Amount;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Prepare a payment; it leaves only once it is confirmed.
    Pay {
        /// Who is paid.
        recipient: PublicKey,
        /// How much.
        amount: Amount,
        /// Any bytes.
        memo: Memo,
    },
    /// Prepare a payment of one grain to the device's own account that carries a memo.
    Notarise(Memo),
    /// Let the prepared payment leave.
    Confirm,
    /// Drop the prepared payment.
    Decline,
    /// Switch mining.
    Mine(Mining),
}

/// Whether the device mines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// It does, whenever it is at the tip.
    On,
    /// It does not.
    Off,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and nothing is open.
    Done,
    /// A payment waits for confirmation.
    Prepared {
        /// Who is paid.
        recipient: PublicKey,
        /// How much, without the fee.
        amount: Amount,
        /// The fee.
        fee: Amount,
    },
    /// A payment was signed, stored, and is being passed on.
    Sent {
        /// The transaction's id.
        id: mote_core::hash::Hash32,
    },
    /// Nothing was done.
    Refused(Refusal),
}

/// Why a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The card holds no key.
    #[error("this device has no key: provision its card with `mote device provision`")]
    NoKey,
    /// The account is not proven at the tip yet.
    #[error("the balance is not known yet: no proof of it at the tip has come")]
    BalanceUnknown,
    /// The balance does not cover it.
    #[error("amount and fee need {needed} motes, the balance left is {balance}")]
    Balance {
        /// Amount and fee.
        needed: Amount,
        /// What is left beside open payments.
        balance: Amount,
    },
    /// The recipient breaks a rule.
    #[error("nobody can be paid at this address: it is a key of small order")]
    Recipient,
    /// The amount is zero.
    #[error("a payment moves at least one grain")]
    Amount,
    /// Too many own payments are open.
    #[error("{limit} payments are on their way; wait until one has been mined")]
    TooManyOpen {
        /// How many can be.
        limit: usize,
    },
    /// There is nothing to confirm or decline.
    #[error("no payment waits for confirmation")]
    NothingPrepared,
    /// The card failed, and nothing may leave that it does not remember.
    #[error("the card could not be written: nothing was sent")]
    CardFailed,
}
