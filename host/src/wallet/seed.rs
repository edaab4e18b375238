//! The 32 bytes that all keys of a wallet come from, and the 24 words that back them up.
//!
//! Source: [BIP-39](https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki), English list.

use std::fmt;

use bip39::{Language, Mnemonic};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The words of a backup: 256 bits of entropy and 8 of checksum, 11 bits a word.
pub const WORD_COUNT: usize = 24;

/// The entropy of a wallet, wiped when dropped.
pub struct Entropy(Zeroizing<[u8; 32]>);

impl Entropy {
    /// Fresh entropy of the operating system.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// The entropy of a backup; case and white space do not matter.
    pub fn from_words(words: &str) -> Result<Self, WordsError> {
        let got = words.split_whitespace().count();
        if got != WORD_COUNT {
            return Err(WordsError::Count { got });
        }
        let words = Zeroizing::new(words.to_ascii_lowercase());
        let mnemonic =
            Mnemonic::parse_in_normalized(Language::English, &words).map_err(|error| match error {
                bip39::Error::UnknownWord(index) => WordsError::Unknown { position: index + 1 },
                bip39::Error::InvalidChecksum => WordsError::Checksum,
                bip39::Error::BadWordCount(_)
                | bip39::Error::BadEntropyBitCount(_)
                | bip39::Error::AmbiguousLanguages(_) => WordsError::Count { got },
            })?;
        let (mut padded, _) = mnemonic.to_entropy_array();
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(&padded[..32]);
        padded.zeroize();
        Ok(Self(bytes))
    }

    /// The words that back this entropy up.
    pub fn words(&self) -> Words {
        // 24 words of at most 8 letters and the spaces between fit, so no copy is left by growing.
        let mut text = Zeroizing::new(String::with_capacity(WORD_COUNT * 9));
        for word in self.mnemonic().words() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        Words(text)
    }

    /// The BIP-39 seed, with the empty BIP-39 passphrase.
    ///
    /// The wallet's own passphrase protects the file and nothing else: the words alone restore
    /// every key.
    pub fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.mnemonic().to_seed_normalized(""))
    }

    pub(super) fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn mnemonic(&self) -> Mnemonic {
        Mnemonic::from_entropy_in(Language::English, &*self.0)
            .expect("32 bytes are a length that BIP-39 allows")
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(redacted)")
    }
}

/// The backup of a wallet, to be shown to its owner once; wiped when dropped.
///
/// There is no `Display`, so that no log line can hold it by accident.
pub struct Words(Zeroizing<String>);

impl Words {
    /// The words, lower case, with one space between two.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same without a copy; wiped when dropped as well.
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }
}

impl ZeroizeOnDrop for Words {}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(redacted)")
    }
}

/// Why words are no backup of a wallet. The words themselves are secret and never in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// There are too few or too many words.
    #[error("got {got} words, expected {WORD_COUNT}")]
    Count {
        /// The number of words given.
        got: usize,
    },
    /// A word is not on the English list.
    #[error("word {position} is not on the english bip-39 list")]
    Unknown {
        /// Which word, counted from 1.
        position: usize,
    },
    /// All words are on the list, but one is wrong or two are swapped.
    #[error("the checksum of the words does not match: a word is wrong or out of place")]
    Checksum,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::hex;

    /// 24-word vectors of <https://github.com/trezor/python-mnemonic/blob/master/vectors.json>.
    const VECTORS: [(&str, &str); 2] = [
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon abandon abandon art",
        ),
        (
            "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
            "hamster diagram private dutch cause delay private meat slide toddler razor book \
             happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
        ),
    ];

    fn entropy(digits: &str) -> Entropy {
        Entropy::from_bytes(hex::decode(digits).unwrap())
    }

    #[test]
    fn words_agree_with_the_published_vectors_both_ways() {
        for (digits, words) in VECTORS {
            assert_eq!(entropy(digits).words().expose(), words);
            let restored = Entropy::from_words(words).unwrap();
            assert_eq!(*hex::encode(restored.as_bytes()), *digits);
        }
    }

    #[test]
    fn seed_agrees_with_the_published_vector() {
        // The published seeds use the passphrase "TREZOR"; this shows that the library is used
        // on the right words, and the next figure that the passphrase here is the empty one.
        let zero = entropy(VECTORS[0].0);
        assert_eq!(
            *hex::encode(&zero.mnemonic().to_seed_normalized("TREZOR")),
            "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cc\
             a8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8"
        );
        assert_eq!(
            *hex::encode(&*zero.seed()),
            "408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf705489c6fc77dbd4e3dc1dd8\
             cc6bc9f043db8ada1e243c4a0eafb290d399480840"
        );
    }

    #[test]
    fn case_and_white_space_do_not_matter() {
        let (digits, words) = VECTORS[1];
        let untidy = format!("\n  {}\t ", words.to_uppercase().replace(' ', " \r\n  "));
        let restored = Entropy::from_words(&untidy).unwrap();
        assert_eq!(*hex::encode(restored.as_bytes()), *digits);
    }

    #[test]
    fn errors_say_which_word_and_never_the_word() {
        let words = VECTORS[1].1;
        let unknown = words.replace("cause", "cuase");
        let error = Entropy::from_words(&unknown).unwrap_err();
        assert_eq!(error, WordsError::Unknown { position: 5 });
        assert_eq!(error.to_string(), "word 5 is not on the english bip-39 list");
        let swapped = words.replace("hamster diagram", "diagram hamster");
        assert_eq!(Entropy::from_words(&swapped).unwrap_err(), WordsError::Checksum);
        for (text, got) in [("", 0), ("zoo", 1), (&words.replace("meat ", ""), 23)] {
            assert_eq!(Entropy::from_words(text).unwrap_err(), WordsError::Count { got });
        }
        // A kelvin sign lower-cases to `k` in Unicode; only ASCII letters are letters of the list.
        assert!(Entropy::from_words(&words.replace("book", "boo\u{212a}")).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let entropy = entropy(VECTORS[0].0);
        assert_eq!(format!("{:?}", entropy), "Entropy(redacted)");
        assert_eq!(format!("{:?}", entropy.words()), "Words(redacted)");
    }

    #[test]
    fn two_wallets_never_share_entropy() {
        let (a, b) = (Entropy::generate().unwrap(), Entropy::generate().unwrap());
        assert_ne!(a.as_bytes(), b.as_bytes());
    }
}
