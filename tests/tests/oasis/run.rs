//! Runs a case: its requests by turns, each answer compared with the case's.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cases::{Case, Encoding};
use crate::compare::{Comparison, date};
use crate::element::{Element, messages};
use crate::wire::{Answer, Wire};

/// Operations whose output nobody can foresee, as they stand in requests.
const RANDOM: &[&str] = &[
    "value=\"Create\"",
    "value=\"CreateKeyPair\"",
    "value=\"OAEP\"",
    "value=\"RNGRetrieve\"",
    "<RandomIV ",
];

/// Runs a case on a bridge of its own, after those that it builds on.
pub(crate) fn run(case: &Case, encoding: Encoding) -> Result<(), String> {
    let mut wire = Wire::new(case, encoding);
    let before = case.before();
    let texts: Vec<String> = before.iter().chain([case]).map(Case::text).collect();
    let random = RANDOM
        .iter()
        .any(|what| texts.iter().any(|text| text.contains(what)));
    for (one, text) in before.iter().chain([case]).zip(&texts) {
        Run::new(one, encoding, text, random)
            .run(&mut wire, text)
            .map_err(|what| format!("{}: {what}", one.name))?;
    }
    Ok(())
}

struct Run<'a> {
    case: &'a Case,
    encoding: Encoding,
    comparison: Comparison,
    /// The last value of each element in the answers.
    last: HashMap<String, String>,
}

impl<'a> Run<'a> {
    fn new(case: &'a Case, encoding: Encoding, text: &str, random: bool) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        let requests = messages(text).into_iter().step_by(2);
        let values = requests.flat_map(|request| request.split("value=\"").skip(1));
        let fixed: HashSet<String> = values
            .filter_map(|value| value.split('"').next())
            .map(str::to_owned)
            .collect();
        let comparison = Comparison {
            bound: HashMap::new(),
            // In the past, so that a date that is moved is another one.
            now: i64::try_from(seconds).unwrap_or(i64::MAX) - 100,
            fixed,
            random,
            recorded: case.is_other(),
        };
        Self {
            case,
            encoding,
            comparison,
            last: HashMap::new(),
        }
    }

    fn run(&mut self, wire: &mut Wire, text: &str) -> Result<(), String> {
        let mut turns = messages(text).into_iter();
        let mut step = 0;
        while let (Some(request), Some(expected)) = (turns.next(), turns.next()) {
            let step_failed = |what: String| format!("step {step}: {what}");
            let (request, expected) = (typeset(request), typeset(expected));
            let recorded = self.case.is_other();
            if recorded && request.contains("<InitIndicator type=\"Boolean\" value=\"true\"") {
                // Another stream, and so another value, though the case calls it the same.
                self.comparison.bound.remove("$CORRELATION_VALUE");
            }
            if recorded
                && request.contains("<AsynchronousIndicator type=\"Boolean\" value=\"true\"")
            {
                // And another pending request.
                let name = "$ASYNCHRONOUS_CORRELATION_VALUE";
                self.comparison.bound.remove(name);
            }
            let request = self.fill(Element::from_xml(&request)?);
            let answer = wire.exchange(&request).map_err(step_failed)?;
            let wanted = Element::from_xml(&expected)?;
            self.remember(&answer.message);
            self.comparison
                .message(&wanted, &answer.message)
                .map_err(|what| {
                    let words = find(&answer.message, "ResultMessage").unwrap_or_default();
                    format!("step {step}: {what} {words}")
                })?;
            self.check_text(&answer, &expected, &wanted)
                .map_err(step_failed)?;
            step += 1;
        }
        if step == 0 {
            return Err("the case has no messages".to_owned());
        }
        Ok(())
    }

    /// The answer's text is, byte for byte, the one of its message in the layout of the cases (of the
    /// profile's examples in JSON). What is compared with the case is then the text, but for the values
    /// that may differ.
    fn check_text(&self, answer: &Answer, expected: &str, wanted: &Element) -> Result<(), String> {
        let written = match self.encoding {
            Encoding::Ttlv | Encoding::Https => return Ok(()),
            Encoding::Xml => answer.message.to_xml(),
            Encoding::Json => answer.message.to_json(),
        };
        let text = answer.text.as_deref().unwrap_or_default();
        if text != written {
            return Err(format!("the text differs: {text:?} instead of {written:?}"));
        }
        // And the layout is the case's, line ends at the message's end aside.
        if self.case.is_of_encodings() && wanted.to_xml().trim_end() != expected.trim_end() {
            return Err(format!("the case is laid out otherwise: {expected}"));
        }
        Ok(())
    }

    /// Puts in what is bound, and times.
    fn fill(&self, mut element: Element) -> Element {
        if let Some(value) = element.value.take() {
            let value = match value.strip_prefix("$NOW") {
                Some(offset) => {
                    let offset: i64 = offset.trim_start_matches('+').parse().unwrap_or(0);
                    date(self.comparison.now + offset)
                }
                None if value.starts_with('$') => self.variable(&element.name, value),
                None => value,
            };
            element.value = Some(value);
        }
        let children = element.children.into_iter();
        element.children = children.map(|child| self.fill(child)).collect();
        element
    }

    /// A name that no answer bound stands for the last value of that element: `$DATA_0` of Data.
    fn variable(&self, element: &str, name: String) -> String {
        let bound = self.comparison.bound.get(&name);
        bound
            .or_else(|| self.last.get(element))
            .cloned()
            .unwrap_or(name)
    }

    fn remember(&mut self, element: &Element) {
        if let Some(value) = &element.value {
            self.last.insert(element.name.clone(), value.clone());
        }
        for child in &element.children {
            self.remember(child);
        }
    }
}

/// Takes out the spaces with which names were broken over lines when the cases of 1.0 to 1.2 were
/// typeset.
fn typeset(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let indent = line.len() - line.trim_start().len();
        line[..indent].to_owned() + &line[indent..].replace("   ", " ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn find(element: &Element, name: &str) -> Option<String> {
    if element.name == name {
        return element.value.clone();
    }
    element.children.iter().find_map(|child| find(child, name))
}
