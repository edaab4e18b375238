//! The world on one page: HTML with drawings, which needs nothing else and no script.

mod course;
mod depths;
mod propagation;

use std::fmt::{self, Write};

use super::summary::Summary;
use super::world::World;

/// The width of a drawing, in its own units.
const WIDTH: u64 = 1_000;

const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#fbfaf7;--paper:#fff;--ink:#23221f;--quiet:#6d6a63;--line:#e4e0d8;\
--main:#2f7d4f;--side:#d98c1f;--off:#d3cfc6;--bar:#3a6ea5;--bad:#b00020;--mark:#8a3ffc}\
@media(prefers-color-scheme:dark){:root{--ground:#171614;--paper:#201f1c;--ink:#eae7e0;--quiet:#a19d94;\
--line:#35332e;--main:#4caf78;--side:#e5a445;--off:#45423c;--bar:#6ea3dc;--bad:#ff6b7a;--mark:#b58cff}}\
body{font:15px/1.55 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:2.5rem 1.25rem 4rem;\
color:var(--ink);background:var(--ground)}h1{font-size:1.9rem;\
margin:0}h2{font-size:1.15rem;margin:2.5rem 0 .3rem}\
p{margin:.3rem 0 .8rem;color:var(--quiet);max-width:46rem}p.verdict{font-size:1.1rem;color:var(--main);margin:.4rem 0}\
p.bad{color:var(--bad)}code{font:13px ui-monospace,monospace;background:var(--paper);border:1px solid var(--line);\
border-radius:.35rem;padding:.15rem .4rem;word-break:break-word}\
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:1.5rem 0}\
.numbers div{background:var(--paper);border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}\
.numbers b{display:block;font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}\
.numbers span{color:var(--quiet);font-size:.85rem}\
svg{width:100%;height:auto;background:var(--paper);border:1px solid var(--line);border-radius:.6rem;display:block}\
.main{fill:var(--main)}.side{fill:var(--side)}.off{fill:var(--off)}.bar{fill:var(--bar)}.mark{fill:var(--mark)}\
.line{fill:none;stroke:var(--bar);stroke-width:2.5}.grid{stroke:var(--line);stroke-width:1}\
.key{display:inline-block;width:.8em;height:.8em;border-radius:.2em;margin:0 .35em 0 .9em;vertical-align:-.05em}\
text{font:12px system-ui,sans-serif;fill:var(--quiet)}text.strong{fill:var(--ink)}\
table{border-collapse:collapse;width:100%}td{padding:.25rem 1rem .25rem 0;vertical-align:top;\
border-top:1px solid var(--line)}td:first-child{color:var(--quiet);white-space:nowrap;width:12rem}";

/// The page for a world and what came of it.
pub(super) fn page(world: &World, summary: &Summary) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, world, summary);
    page
}

fn write_page(page: &mut String, world: &World, summary: &Summary) -> fmt::Result {
    let knobs = &summary.knobs;
    let seed = knobs.seed;
    write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Mote: world {seed}</title><style>{STYLE}</style><h1>World {seed}</h1>"
    )?;
    match &summary.violation {
        None => page.push_str("<p class=\"verdict\">Every demand was kept, after every step.</p>"),
        Some(violation) => write!(
            page,
            "<p class=\"verdict bad\">{:?} was violated after {}{}: got {}, expected {}.</p>",
            violation.demand,
            time(violation.millis),
            violation.node.map(|node| format!(" at node {node}")).unwrap_or_default(),
            escaped(&violation.got),
            escaped(&violation.expected)
        )?,
    }
    write!(page, "<p>It happens again by <code>{}</code></p>", escaped(&knobs.command()))?;
    write_numbers(page, summary)?;
    page.push_str(
        "<h2>Who knew what when, and what went wrong</h2><p>A line for each node and device, time from left to \
         right.<i class=\"key\" style=\"background:var(--main)\"></i>the chain that won\
         <i class=\"key\" style=\"background:var(--side)\"></i>one that lost\
         <i class=\"key\" style=\"background:var(--off)\"></i>off\
         <i class=\"key\" style=\"background:var(--mark)\"></i>a fault</p>",
    );
    course::write(page, world)?;
    page.push_str(
        "<h2>How fast blocks spread</h2><p>The share of nodes that had a block, by the time since the first had \
         it. Those that were off or cut off are among them.</p>",
    );
    propagation::write(page, world, &summary.propagation)?;
    page.push_str(
        "<h2>How deep reorganisations went</h2><p>How many blocks a node gave up for a chain of more work, and \
         how often.</p>",
    );
    depths::write(page, &summary.reorganisations)?;
    page.push_str("<h2>In numbers</h2>");
    write_facts(page, summary)?;
    page.push_str("</html>\n");
    Ok(())
}

fn write_numbers(page: &mut String, summary: &Summary) -> fmt::Result {
    let knobs = &summary.knobs;
    let deepest = summary.reorganisations.keys().max().copied().unwrap_or(0);
    let faults: u64 = summary.faults.values().sum();
    let forks = summary.forks_per_mille;
    page.push_str("<div class=\"numbers\">");
    for (number, name) in [
        (knobs.nodes.to_string(), "nodes"),
        (knobs.devices.to_string(), "devices"),
        (time(summary.millis), "of the world's time"),
        (summary.blocks.to_string(), "blocks"),
        (format!("{}.{} %", forks / 10, forks % 10), "of them on forks"),
        ((summary.payments + summary.device_payments).to_string(), "payments"),
        (faults.to_string(), "faults"),
        (deepest.to_string(), "blocks deepest reorganisation"),
        (summary.agreed_after_ms.map_or("never".to_owned(), time), "to agree after the last fault"),
    ] {
        write!(page, "<div><b>{number}</b><span>{name}</span></div>")?;
    }
    page.push_str("</div>");
    Ok(())
}

fn write_facts(page: &mut String, summary: &Summary) -> fmt::Result {
    let faults: Vec<String> =
        summary.faults.iter().map(|(name, times)| format!("{times} {}", name.replace('_', " "))).collect();
    let devices = format!(
        "{} blocks checked by their witnesses, {} mined, {} payments, {} starts",
        summary.device_checks, summary.device_blocks, summary.device_payments, summary.device_starts
    );
    let most = format!(
        "{} connections, {} blocks waited for, {} open payments, {} bytes on a disk",
        summary.connections_max, summary.wanted_max, summary.transactions_max, summary.stored_bytes_max
    );
    page.push_str("<table>");
    for (name, value) in [
        ("Tip", format!("height {} <code>{}</code>", summary.height, summary.tip)),
        ("Faults", faults.join(", ")),
        ("Turnover", format!("{} left, {} joined in their place", summary.left, summary.joined)),
        ("Starts", format!("{}, {} of them with a new disk", summary.starts, summary.replaced_disks)),
        ("Lies", format!("{}, and {} connections dropped for offences", summary.lies, summary.refusals)),
        ("Devices", devices),
        ("The most of a node", most),
        (
            "Messages",
            format!("{} on {} connections, {} bytes", summary.messages, summary.connections, summary.bytes),
        ),
        ("Steps", summary.steps.to_string()),
    ] {
        write!(page, "<tr><td>{name}<td>{value}")?;
    }
    page.push_str("</table>");
    Ok(())
}

/// A time as people read it.
fn time(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        10_000..120_000 => format!("{} s", millis / 1_000),
        _ => format!("{} min", millis / 60_000),
    }
}

/// A part of the width, with one decimal.
fn tenths(part: u64, total: u64, width: u64) -> String {
    let tenths = u128::from(part) * u128::from(width) * 10 / u128::from(total.max(1));
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The text with nothing in it that HTML reads as more than text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
