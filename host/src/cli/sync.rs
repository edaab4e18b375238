//! How far a running node's sync is.

use super::output::scaled;
use super::progress::Progress;
use crate::node::handle::Handle;
use crate::store::disk::Disk;

/// Shows the progress of each sync until the node ends.
pub async fn show_sync<D: Disk>(handle: Handle<D>) {
    let mut statuses = handle.watch();
    let mut bar: Option<Progress> = None;
    loop {
        let syncing = statuses.borrow_and_update().syncing;
        match syncing {
            Some(sync) => {
                let detail = format!("{} blocks/s", scaled(sync.blocks_per_second));
                let bar = bar.get_or_insert_with(|| Progress::new("syncing"));
                bar.update(sync.height.get(), sync.target.get(), &detail);
            }
            None => {
                if let Some(bar) = bar.take() {
                    bar.finish();
                }
            }
        }
        if statuses.changed().await.is_err() {
            return;
        }
    }
}
