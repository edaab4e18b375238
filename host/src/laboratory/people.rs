//! The accounts of all experiments. Their private keys are known to everybody, so they exist nowhere else.

use mote_core::address::{Address, AddressPrefix};
use mote_core::keys::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody with an account in the laboratory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = LaboratoryPerson)]
#[serde(rename_all = "lowercase")]
pub enum Person {
    /// Mines the first blocks.
    Ada,
    /// Is paid first.
    Ben,
    /// Is paid often.
    Cleo,
    /// Is paid late.
    Dora,
    /// Starts with nothing.
    Emil,
}

impl Person {
    /// Everybody.
    pub const ALL: [Self; 5] = [Self::Ada, Self::Ben, Self::Cleo, Self::Dora, Self::Emil];

    /// The person's private key.
    pub fn secret(self) -> SecretKey {
        let mut seed = *b"mote laboratory, known to all: 0";
        seed[31] = b'0' + self as u8;
        SecretKey::from_seed(&seed)
    }

    /// The key that names the person's account.
    pub fn account(self) -> PublicKey {
        self.secret().public_key()
    }

    /// Whose account this is.
    pub fn of(key: &PublicKey) -> Option<Self> {
        Self::ALL.into_iter().find(|person| person.account() == *key)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ada => "Ada",
            Self::Ben => "Ben",
            Self::Cleo => "Cleo",
            Self::Dora => "Dora",
            Self::Emil => "Emil",
        }
    }
}

/// What people call the account: a name where it has one, or its address.
pub(super) fn called(key: &PublicKey) -> String {
    match Person::of(key) {
        Some(person) => person.name().to_owned(),
        None => Address::new(AddressPrefix::Local, *key).to_string(),
    }
}
