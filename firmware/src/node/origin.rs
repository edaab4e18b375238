//! Where a node's chain begins: at its network's genesis block, or at a checkpoint given at build time,
//! below which it never goes.

use mote_core::chain::Tip;
use mote_core::codec;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::units::Height;

/// Where the chain begins: at the tip whose wire form this is, else at genesis.
#[derive(Clone, Copy, Debug)]
pub struct Origin(Option<&'static [u8]>);

impl Origin {
    /// At the network's genesis block.
    pub const GENESIS: Self = Self(None);

    /// At a checkpoint, where it is one of this network.
    pub fn new(checkpoint: Option<&'static [u8]>, params: &Params) -> Self {
        Self(checkpoint.and_then(|bytes| bytes.strip_prefix(params.genesis_id().as_bytes())))
    }

    /// Puts the beginning of the chain into `tip`; `false` where the checkpoint is no tip.
    #[inline(never)]
    pub fn fill(self, params: &Params, tip: &mut Tip) -> bool {
        match self.0 {
            Some(bytes) => tip.decode_from(bytes).is_ok() && tip.is_consistent(),
            None => {
                tip.become_genesis(params);
                true
            }
        }
    }

    /// The id and the height of the block at which the chain begins, which stand first in a tip.
    #[inline(never)]
    pub fn block(self, params: &Params) -> (Hash32, Height) {
        let first = |mut bytes| Some((codec::take(&mut bytes).ok()?, codec::take(&mut bytes).ok()?));
        self.0.and_then(first).unwrap_or((params.genesis_id(), Height::GENESIS))
    }
}
