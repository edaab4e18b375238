//! What people act on, found as a reader of the screen announces it.

use serde_json::{Value, json};

/// A control by its role and name, of which there must be one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    role: &'static str,
    name: String,
    within: String,
}

/// Finds what is visible and has the role and the name; says what there is instead where it is not one.
pub const FIND: &str = "
const [role, name, within] = arguments;
const all = [...document.querySelectorAll(within)].flatMap((part) => [...part.querySelectorAll(
  'a, button, input, select, textarea, summary, h1, h2, h3, [role], [tabindex]')]);
const seen = all.filter((element) => element.computedRole === role
  && element.checkVisibility({ visibilityProperty: true }));
const found = seen.filter((element) => element.computedName === name);
return found.length === 1 ? found[0] : seen.map((element) => element.computedName);
";

impl Control {
    fn new(role: &'static str, name: &str) -> Self {
        Self { role, name: name.to_owned(), within: "body".to_owned() }
    }

    /// A button.
    pub fn button(name: &str) -> Self {
        Self::new("button", name)
    }

    /// A link.
    pub fn link(name: &str) -> Self {
        Self::new("link", name)
    }

    /// A field for text.
    pub fn field(name: &str) -> Self {
        Self::new("textbox", name)
    }

    /// A box to tick.
    pub fn checkbox(name: &str) -> Self {
        Self::new("checkbox", name)
    }

    /// Any other role that ARIA names.
    pub fn of(role: &'static str, name: &str) -> Self {
        Self::new(role, name)
    }

    /// The control in the part of the page that this CSS selector picks.
    pub fn within(mut self, selector: &str) -> Self {
        selector.clone_into(&mut self.within);
        self
    }

    /// What the script that finds it takes.
    pub fn arguments(&self) -> [Value; 3] {
        [json!(self.role), json!(self.name), json!(self.within)]
    }
}
