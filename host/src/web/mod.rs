//! What browsers are given: part of the program, and complete without anything from elsewhere.
//!
//! Plain modules without a build step. `index.html` is every page; `app.js` finds the page of an address,
//! `pages/` and `laboratory/` have a file each, and the rest is what they share:
//!
//! | file | purpose |
//! | --- | --- |
//! | `dom.js`, `style.css` | elements, and their look |
//! | `api.js`, `live.js` | requests, and what happens |
//! | `format.js`, `chart.js`, `provenance.js` | amounts and times, charts, proofs drawn |
//! | `sha256.js`, `codec.js`, `address.js`, `proofs.js` | the page's own checks, which trust no node |

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mote_core::hash::sha256;

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
    static BY_PATH: LazyLock<BTreeMap<&str, Asset>> =
        LazyLock::new(|| ASSETS.iter().map(|asset| (asset.path, *asset)).collect());
    BY_PATH.get(path).copied()
}

/// Everything below `/web/`.
pub const ASSETS: &[Asset] = &[
    Asset { path: "address.js", text: include_str!("address.js") },
    Asset { path: "api.js", text: include_str!("api.js") },
    Asset { path: "app.js", text: include_str!("app.js") },
    Asset { path: "chart.js", text: include_str!("chart.js") },
    Asset { path: "codec.js", text: include_str!("codec.js") },
    Asset { path: "dom.js", text: include_str!("dom.js") },
    Asset { path: "format.js", text: include_str!("format.js") },
    Asset { path: "icon.svg", text: include_str!("icon.svg") },
    Asset { path: "live-worker.js", text: include_str!("live-worker.js") },
    Asset { path: "live.js", text: include_str!("live.js") },
    Asset { path: "pages.js", text: include_str!("pages.js") },
    Asset { path: "pages/address.js", text: include_str!("pages/address.js") },
    Asset { path: "pages/block.js", text: include_str!("pages/block.js") },
    Asset { path: "pages/blocks.js", text: include_str!("pages/blocks.js") },
    Asset { path: "pages/forks.js", text: include_str!("pages/forks.js") },
    Asset { path: "pages/home.js", text: include_str!("pages/home.js") },
    Asset { path: "pages/mempool.js", text: include_str!("pages/mempool.js") },
    Asset { path: "pages/mining.js", text: include_str!("pages/mining.js") },
    Asset { path: "pages/missing.js", text: include_str!("pages/missing.js") },
    Asset { path: "pages/network.js", text: include_str!("pages/network.js") },
    Asset { path: "pages/start.js", text: include_str!("pages/start.js") },
    Asset { path: "pages/transaction.js", text: include_str!("pages/transaction.js") },
    Asset { path: "pages/wallet.js", text: include_str!("pages/wallet.js") },
    Asset { path: "proofs.js", text: include_str!("proofs.js") },
    Asset { path: "provenance.js", text: include_str!("provenance.js") },
    Asset { path: "sha256.js", text: include_str!("sha256.js") },
    Asset { path: "style.css", text: include_str!("style.css") },
];
