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
    #[inline(never)]
    pub fn start<const N: usize>(
        checkpoint: Option<&'static [u8]>,
        params: &Params,
        chain: &mut Chain<N>,
    ) -> Self {
        let mut origin = Self { checkpoint: &[], height: Height::GENESIS };
        if let Some((genesis, tip)) = checkpoint.and_then(<[u8]>::split_first_chunk)
            && params.genesis_id() == Hash32::from_bytes(*genesis)
        {
            origin.checkpoint = tip;
        }
        chain.start(|tip| origin.fill(params, tip));
        origin.height = chain.tip().height();
        if origin.height == Height::GENESIS {
            origin.checkpoint = &[];
        }
        origin
    }

    /// Puts the beginning of the chain into `tip`, always. A checkpoint that is no tip is none.
    #[inline(never)]
    pub fn fill(&self, params: &Params, tip: &mut Tip) -> bool {
        if tip.decode_from(self.checkpoint).is_err() || !tip.is_consistent() {
            tip.become_genesis(params);
        }
        true
    }

    /// The block at which the chain begins.
    #[inline(never)]
    pub fn id(&self, params: &Params) -> Hash32 {
        self.checkpoint.first_chunk().map_or(params.genesis_id(), |id| Hash32::from_bytes(*id))
    }

    /// The height of that block.
    pub fn height(&self) -> Height {
        self.height
    }
}
