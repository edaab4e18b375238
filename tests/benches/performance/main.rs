//! What a node can do, each figure beside a reference that was measured in the same run: on a computer that does
//! other things as well, only ratios mean something. The nodes are processes of the program `mote`, which
//! `cargo build --release` builds; everything else is asked of its library.
//!
//! Another argument picks the rows whose name has it. `--json` prints one object a line and `--markdown` a table for
//! a document; `--pictures FOLDER` draws the laws by which something grows; `--quick` is a run on small chains, to
//! try the program out.

mod bare;
mod bench;
mod blocks;
mod chains;
mod events;
mod limit;
mod load;
mod lookups;
mod mining;
mod payments;
mod picture;
mod propagation;
mod reads;
mod references;
mod reindex;
mod row;
mod signatures;
mod startup;
mod statistics;
mod sync;
mod table;

use std::path::PathBuf;

use bench::{Bench, Depth, Found};
use table::Form;

/// Rows that are measured together.
struct Group {
    rows: &'static [&'static str],
    measure: fn(&mut Bench) -> Found,
}

/// All of them, in the order of the table.
const GROUPS: [Group; 13] = [
    Group { rows: &mining::ROWS, measure: mining::measure },
    Group { rows: &signatures::ROWS, measure: signatures::measure },
    Group { rows: &sync::ROWS, measure: sync::measure },
    Group { rows: &reindex::ROWS, measure: reindex::measure },
    Group { rows: &blocks::ROWS, measure: blocks::measure },
    Group { rows: &payments::ROWS, measure: payments::measure },
    Group { rows: &reads::STATUS_ROWS, measure: reads::measure_status },
    Group { rows: &reads::BLOCK_ROWS, measure: reads::measure_blocks },
    Group { rows: &reads::ACCOUNT_ROWS, measure: reads::measure_accounts },
    Group { rows: &events::ROWS, measure: events::measure },
    Group { rows: &startup::ROWS, measure: startup::measure },
    Group { rows: &lookups::ROWS, measure: lookups::measure },
    Group { rows: &propagation::ROWS, measure: propagation::measure },
];

/// What a run is asked for.
struct Arguments {
    form: Form,
    depth: Depth,
    pictures: Option<PathBuf>,
    wanted: Option<String>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments == [bare::BARE] {
        return bare::serve();
    }
    let Arguments { form, depth, pictures, wanted } = Arguments::parse(arguments);
    let is_wanted = |what: &str| wanted.as_deref().is_none_or(|wanted| what.contains(wanted));
    if let Some(folder) = &pictures {
        std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
    let mut bench = Bench::new(depth);
    form.print_head();
    for group in GROUPS.iter().filter(|group| group.rows.iter().any(|what| is_wanted(what))) {
        let found = (group.measure)(&mut bench);
        for row in found.rows.iter().filter(|row| is_wanted(row.what)) {
            form.print(row);
        }
        for (picture, folder) in found.pictures.iter().zip(pictures.iter().cycle()) {
            let path = folder.join(format!("{}.svg", picture.name));
            std::fs::write(&path, picture.svg())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}

impl Arguments {
    fn parse(arguments: Vec<String>) -> Self {
        let mut parsed = Self { form: Form::Text, depth: Depth::Full, pictures: None, wanted: None };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => parsed.form = Form::Json,
                "--markdown" => parsed.form = Form::Markdown,
                "--quick" => parsed.depth = Depth::Quick,
                "--pictures" => {
                    parsed.pictures = Some(arguments.next().expect("--pictures names a folder").into())
                }
                _ if argument.starts_with("--") => {
                    panic!("there is no {argument}: --json, --markdown, --quick, --pictures FOLDER")
                }
                _ => parsed.wanted = Some(argument),
            }
        }
        parsed
    }
}
