//! What makes a page usable for everybody, as far as a program can judge it: the rules of WCAG 2.2 AA that
//! axe-core knows, every control within reach of the keyboard and seen to be reached, and no scrolling
//! sideways on a telephone.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::window::{Scheme, Window};

/// The narrowest window that pages are made for.
const TELEPHONE: (u32, u32) = (360, 740);

/// The window in which all else is looked at.
const DESK: (u32, u32) = (1280, 900);

/// The key that goes to the next control.
const TAB: char = '\u{e004}';

/// How many times the key is pressed before it is looked where it led.
const STRIDE: usize = 25;

/// Runs the rules, all of them or those about colours alone, and lists what breaks them.
const RUN: &str = "
const [ofColours] = arguments;
const only = ofColours
  ? { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }
  : { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] };
return axe.run(document, { runOnly: only, resultTypes: ['violations'], preload: false }).then((result) =>
  result.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\\s+/g, ' ')}`)));
";

/// What sticks out of the page to the right.
const WIDTH: &str = "
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= width) return [];
const clips = (element) => element && element !== document.body
  && (getComputedStyle(element).overflowX !== 'visible' || clips(element.parentElement));
return [...document.body.querySelectorAll('*')]
  .filter((element) => element.getBoundingClientRect().right > width + 1 && !clips(element.parentElement))
  .map((element) => `${element.outerHTML.slice(0, 120)} ends at ${element.getBoundingClientRect().right}`);
";

/// Notes where the keyboard goes, and where nothing shows that it is there.
const WATCH_FOCUS: &str = "
const watch = window.focusWatch = { reached: new Set(), unseen: new Set() };
document.addEventListener('focusin', ({ target }) => {
  watch.reached.add(target);
  const style = getComputedStyle(target);
  const isOutlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  // What counts is the last visit: the first key of all may bring the focus before the page knows of a keyboard.
  if (isOutlined || style.boxShadow !== 'none') watch.unseen.delete(target);
  else watch.unseen.add(target);
});
";

/// Counts what the keyboard should reach, and lists what it has not, and where it is not seen. Of a group of
/// radio buttons one is enough: arrows lead to the others.
const FOCUS: &str = "
const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')];
const controls = all.filter((element) => element.tabIndex >= 0 && !element.disabled && element.type !== 'radio'
  && element.checkVisibility({ visibilityProperty: true }));
const missed = controls.filter((element) => !window.focusWatch.reached.has(element));
const open = (element) => element.outerHTML.slice(0, 120);
return [controls.length, missed.map(open), [...window.focusWatch.unseen].map(open)];
";

/// Where the page breaks a rule, in light or in dark.
pub fn broken_rules(window: &Window) -> Vec<String> {
    let mut broken = Vec::new();
    for scheme in [Scheme::Light, Scheme::Dark] {
        window.set_scheme(scheme);
        // It stays until the page is left.
        if window.script("return typeof axe === 'undefined'", &[]) == json!(true) {
            window.script(axe(), &[]);
        }
        let found = lines(&window.script(RUN, &[json!(scheme == Scheme::Dark)]));
        broken.extend(found.into_iter().map(|line| format!("{scheme:?}: {line}")));
    }
    window.set_scheme(Scheme::Light);
    broken
}

/// What makes the page scroll sideways on a telephone.
pub fn overflow(window: &Window) -> Vec<String> {
    window.set_size(TELEPHONE.0, TELEPHONE.1);
    let wide = lines(&window.script(WIDTH, &[]));
    window.set_size(DESK.0, DESK.1);
    wide
}

/// Which controls of a page that was just opened the keyboard alone does not reach, and on which it is not
/// seen to be.
pub fn keyboard_faults(window: &Window) -> Vec<String> {
    window.script(WATCH_FOCUS, &[]);
    let mut pressed = 0;
    loop {
        window.press([TAB; STRIDE]);
        pressed += STRIDE;
        let state = window.script(FOCUS, &[]);
        let (missed, unseen) = (lines(&state[1]), lines(&state[2]));
        // Once around, and once more for what came while the keyboard was on its way.
        let enough = 2 * state[0].as_u64().unwrap_or_default() as usize + 2 * STRIDE;
        if (missed.is_empty() && unseen.is_empty()) || pressed >= enough {
            let missed = missed.into_iter().map(|control| format!("is not reached: {control}"));
            return missed
                .chain(unseen.into_iter().map(|control| format!("is not seen: {control}")))
                .collect();
        }
    }
}

fn lines(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
}

/// The rules, which `tests/run` fetches.
fn axe() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let path = root.join("target/axe/node_modules/axe-core/axe.min.js");
        fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; tests/run fetches it with: npm ci --prefix target/axe", path.display())
        })
    })
}
