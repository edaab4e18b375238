//! Where a node's chain begins: at its network's genesis block, or at a checkpoint given at build time,
//! below which it never goes.

use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::units::Height;

use super::chain::Chain;

/// Where a chain begins.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The wire form of the checkpoint's tip, which starts with the block's id; empty for genesis.
    checkpoint: &'static [u8],
    height: Height,
}

impl Origin {
    /// Starts `chain` at the checkpoint, where it is one of this network, else at the genesis block.
    pub fn start<const N: usize>(
        checkpoint: Option<&'static [u8]>,
        params: &Params,
        chain: &mut Chain<N>,
    ) -> Self {
        let of_network = |bytes: &'static [u8]| bytes.strip_prefix(params.genesis_id().as_bytes());
        let checkpoint = checkpoint.and_then(of_network).unwrap_or_default();
        let mut origin = Self { checkpoint, height: Height::GENESIS };
        if !chain.start(|tip| origin.fill(params, tip)) {
            origin.checkpoint = &[];
            chain.start(|tip| origin.fill(params, tip));
        }
        Self { height: chain.tip().height(), ..origin }
    }

    /// Puts the beginning of the chain into `tip`; `false` where the checkpoint is no tip.
    #[inline(never)]
    pub fn fill(self, params: &Params, tip: &mut Tip) -> bool {
        if self.checkpoint.is_empty() {
            tip.become_genesis(params);
            return true;
        }
        tip.decode_from(self.checkpoint).is_ok() && tip.is_consistent()
    }

    /// The block at which the chain begins.
    pub fn id(self, params: &Params) -> Hash32 {
        self.checkpoint.first_chunk().map_or(params.genesis_id(), |id| Hash32::from_bytes(*id))
    }

    /// The height of that block.
    pub fn height(self) -> Height {
        self.height
    }
}
