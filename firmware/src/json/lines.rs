//! JSON of one object as lines for people: `name:` and a value; of an object or the items of a list, what
//! they hold as `name=value`. So console and page say the same by the same names, from one description.

use core::fmt::{self, Write};

/// Where the values stand: behind the longest name, its colon and a space.
const VALUE_COLUMN: usize = 16;

/// Which facts are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facts {
    /// Every one.
    All,
    /// Those of this name.
    Named(&'static str),
}

/// Turns the JSON that is written to it into lines. It is no parser: it trusts that the JSON is valid and
/// has no list in a list.
pub struct Lines<'a> {
    out: &'a mut dyn Write,
    facts: Facts,
    /// The name of the fact that is being written.
    name: heapless::String<VALUE_COLUMN>,
    /// How many objects are open.
    depth: u8,
    list: List,
    expected: Expected,
    /// The last character was within a string, or within an escape in one.
    string: Within,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Outside,
    Empty,
    Filled,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Name,
    Value,
    /// More of a value, or its end.
    Rest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    String,
    Escape,
}

impl<'a> Lines<'a> {
    /// Prints these facts to `out`.
    pub fn new(facts: Facts, out: &'a mut dyn Write) -> Self {
        Self {
            out,
            facts,
            name: heapless::String::new(),
            depth: 0,
            list: List::Outside,
            expected: Expected::Name,
            string: Within::Nothing,
        }
    }

    fn put(&mut self, character: char) -> fmt::Result {
        match self.facts {
            Facts::Named(name) if name != self.name.as_str() => Ok(()),
            _ => self.out.write_char(character),
        }
    }

    /// Begins a line: the name, and spaces up to the value.
    fn begin(&mut self) -> fmt::Result {
        let name = self.name.clone();
        let padding = core::iter::repeat_n(' ', (VALUE_COLUMN - 1).saturating_sub(name.len()));
        name.chars().chain([':']).chain(padding).try_for_each(|character| self.put(character))
    }

    /// A character of a name or a value.
    fn text(&mut self, character: char) -> fmt::Result {
        if self.expected == Expected::Name && self.depth == 1 {
            // A name that is too long would be cut; a test looks at them all.
            let _ = self.name.push(character);
            return Ok(());
        }
        if self.expected == Expected::Value {
            self.expected = Expected::Rest;
            if self.depth == 1 {
                self.begin()?;
            }
        }
        self.put(character)
    }

    fn mark(&mut self, character: char) -> fmt::Result {
        match (character, self.depth) {
            ('"', _) => {
                self.string = Within::String;
                // An empty string is a value, too.
                if self.expected == Expected::Value && self.depth == 1 {
                    self.begin()?;
                    self.expected = Expected::Rest;
                }
                Ok(())
            }
            ('{', depth) => {
                (self.depth, self.expected) = (depth + 1, Expected::Name);
                if depth == 0 {
                    return Ok(());
                }
                self.list = if self.list == List::Outside { List::Outside } else { List::Filled };
                self.begin()
            }
            ('}', 2) => {
                (self.depth, self.expected) = (1, Expected::Name);
                self.put('\n')
            }
            ('[', _) => {
                self.list = List::Empty;
                Ok(())
            }
            (']', _) => {
                self.expected = Expected::Name;
                if core::mem::replace(&mut self.list, List::Outside) == List::Filled {
                    return Ok(());
                }
                self.begin()?;
                self.put('-')?;
                self.put('\n')
            }
            (',' | '}', 1) => {
                let ended = core::mem::replace(&mut self.expected, Expected::Name) == Expected::Rest;
                if ended {
                    self.put('\n')?;
                }
                if self.list == List::Outside {
                    self.name.clear();
                }
                Ok(())
            }
            (',', _) => {
                self.expected = Expected::Name;
                self.put(' ')
            }
            (':', depth) => {
                self.expected = Expected::Value;
                if depth > 1 { self.put('=') } else { Ok(()) }
            }
            _ => self.text(character),
        }
    }
}

impl Write for Lines<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match (self.string, character) {
                (Within::Nothing, _) => self.mark(character)?,
                (Within::String, '"') => self.string = Within::Nothing,
                (Within::String, '\\') => {
                    self.string = Within::Escape;
                    self.text(character)?;
                }
                (Within::String | Within::Escape, _) => {
                    self.string = Within::String;
                    self.text(character)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn lines(facts: Facts, json: &str) -> String {
        let mut text = String::new();
        Lines::new(facts, &mut text).write_str(json).unwrap();
        text
    }

    #[test]
    fn facts_are_lines() {
        let json = r#"{"a":"","b":"x: \"{y}\", z","n":12,"none":null,"o":{"state":"on","n":-1.5,"gone":null},"l":[{"a":"1"},{"a":"2","b":true}],"empty":[]}"#;
        let expected = concat!(
            "a:              \n",
            "b:              x: \\\"{y}\\\", z\n",
            "n:              12\n",
            "none:           null\n",
            "o:              state=on n=-1.5 gone=null\n",
            "l:              a=1\n",
            "l:              a=2 b=true\n",
            "empty:          -\n",
        );
        assert_eq!(lines(Facts::All, json), expected);
        assert_eq!(lines(Facts::Named("l"), json), "l:              a=1\nl:              a=2 b=true\n");
        assert_eq!(lines(Facts::Named("empty"), json), "empty:          -\n");
        assert_eq!(lines(Facts::Named("n"), json), "n:              12\n");
    }
}
