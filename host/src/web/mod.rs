//! What browsers are given: part of the program, and complete without anything from elsewhere.
//!
//! Plain modules without a build step. `index.html` is every page; `app.js` finds the page of an address,
//! `pages/` and `laboratory/` have a file each, and the rest is what they share:
//!
//! | file | purpose |
//! | --- | --- |
//! | `dom.js`, `style.css`, `laboratory.css` | elements, and their look |
//! | `api.js`, `live.js` | requests, and what happens |
//! | `format.js`, `chart.js`, `provenance.js` | amounts and times, charts, proofs drawn |
//! | `sha256.js`, `codec.js`, `address.js`, `proofs.js` | the page's own checks, which trust no node |
//! | `keys.js`, `keyring.js`, `payment.js` | keys of the browser, and payments from them |
//! | `offline.js` | the same wallet as one file |

mod offline;

use std::sync::LazyLock;

use bip39::Language;
use mote_core::hash::sha256;
pub use offline::wallet as offline_wallet;

/// A file that browsers are given.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below `/web/`.
    pub path: &'static str,
    /// Its content.
    pub text: &'static str,
}

impl Asset {
    /// Its media type.
    pub fn kind(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// What changes with its content, quoted as an entity tag is (RFC 9110 section 8.8.3).
    pub fn tag(&self) -> String {
        format!("\"{}\"", sha256(self.text.as_bytes()))
    }
}

/// The page that every address of a page gives.
pub const INDEX: Asset = Asset { path: "index.html", text: include_str!("index.html") };

/// The addresses of pages, as routes.
pub const PAGES: [&str; 14] = [
    "/",
    "/start",
    "/blocks",
    "/block/{block}",
    "/transaction/{id}",
    "/address/{address}",
    "/mempool",
    "/forks",
    "/mining",
    "/network",
    "/wallet",
    "/browser-wallet",
    "/laboratory",
    "/laboratory/{experiment}",
];

/// The asset at a path below `/web/`.
pub fn asset(path: &str) -> Option<Asset> {
    assets().find(|asset| asset.path == path)
}

/// Everything below `/web/`.
pub fn assets() -> impl Iterator<Item = Asset> {
    ASSETS.iter().copied().chain([Asset { path: "words.js", text: words() }])
}

/// The words of which wallets are made, as a module.
fn words() -> &'static str {
    static MODULE: LazyLock<String> = LazyLock::new(|| {
        let words = Language::English.word_list().join(" ");
        format!("// The English words of BIP-39.\n\nexport const WORDS = \"{words}\".split(\" \");\n")
    });
    &MODULE
}

const ASSETS: &[Asset] = &[
    Asset { path: "address.js", text: include_str!("address.js") },
    Asset { path: "api.js", text: include_str!("api.js") },
    Asset { path: "app.js", text: include_str!("app.js") },
    Asset { path: "chart.js", text: include_str!("chart.js") },
    Asset { path: "codec.js", text: include_str!("codec.js") },
    Asset { path: "dom.js", text: include_str!("dom.js") },
    Asset { path: "format.js", text: include_str!("format.js") },
    Asset { path: "icon.svg", text: include_str!("icon.svg") },
    Asset { path: "keyring.js", text: include_str!("keyring.js") },
    Asset { path: "keys.js", text: include_str!("keys.js") },
    Asset { path: "laboratory.css", text: include_str!("laboratory.css") },
    Asset { path: "laboratory/block.js", text: include_str!("laboratory/block.js") },
    Asset { path: "laboratory/chain.js", text: include_str!("laboratory/chain.js") },
    Asset { path: "laboratory/difficulty.js", text: include_str!("laboratory/difficulty.js") },
    Asset { path: "laboratory/frame.js", text: include_str!("laboratory/frame.js") },
    Asset { path: "laboratory/hash.js", text: include_str!("laboratory/hash.js") },
    Asset { path: "laboratory/index.js", text: include_str!("laboratory/index.js") },
    Asset { path: "laboratory/payments.js", text: include_str!("laboratory/payments.js") },
    Asset { path: "laboratory/peers.js", text: include_str!("laboratory/peers.js") },
    Asset { path: "laboratory/proofs.js", text: include_str!("laboratory/proofs.js") },
    Asset { path: "laboratory/scenario.js", text: include_str!("laboratory/scenario.js") },
    Asset { path: "live-worker.js", text: include_str!("live-worker.js") },
    Asset { path: "live.js", text: include_str!("live.js") },
    Asset { path: "offline.js", text: include_str!("offline.js") },
    Asset { path: "pages.js", text: include_str!("pages.js") },
    Asset { path: "pages/address.js", text: include_str!("pages/address.js") },
    Asset { path: "pages/block.js", text: include_str!("pages/block.js") },
    Asset { path: "pages/blocks.js", text: include_str!("pages/blocks.js") },
    Asset { path: "pages/browser-wallet.js", text: include_str!("pages/browser-wallet.js") },
    Asset { path: "pages/forks.js", text: include_str!("pages/forks.js") },
    Asset { path: "pages/home.js", text: include_str!("pages/home.js") },
    Asset { path: "pages/mempool.js", text: include_str!("pages/mempool.js") },
    Asset { path: "pages/mining.js", text: include_str!("pages/mining.js") },
    Asset { path: "pages/missing.js", text: include_str!("pages/missing.js") },
    Asset { path: "pages/network.js", text: include_str!("pages/network.js") },
    Asset { path: "pages/start.js", text: include_str!("pages/start.js") },
    Asset { path: "pages/transaction.js", text: include_str!("pages/transaction.js") },
    Asset { path: "pages/wallet.js", text: include_str!("pages/wallet.js") },
    Asset { path: "payment.js", text: include_str!("payment.js") },
    Asset { path: "proofs.js", text: include_str!("proofs.js") },
    Asset { path: "provenance.js", text: include_str!("provenance.js") },
    Asset { path: "sha256.js", text: include_str!("sha256.js") },
    Asset { path: "style.css", text: include_str!("style.css") },
];
