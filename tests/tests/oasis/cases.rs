//! Which cases there are, how each is run, and what is wrong with their text.

use std::fs;
use std::path::{Path, PathBuf};

use crate::others;

/// Every case that OASIS published in the three sets, as folder and name: what is missing is known.
const LISTED: &str = include_str!("cases.txt");

/// Errors in the published text: the case, what stands there, what was meant. The list only shrinks.
const ERRATA: &[(&str, &str, &str)] = &[
    // The answer to Destroy says 1.3 to a request that says 1.4, in a case of 1.4. "The version in the
    // response header is that of the request" (1.4 section 6.1).
    (
        "OMOS-O-1-14",
        "<ProtocolVersionMinor type=\"Integer\" value=\"3\"/>",
        "<ProtocolVersionMinor type=\"Integer\" value=\"4\"/>",
    ),
];

/// Cases that go on with what others left at the server: `(case, those that come before it)`.
const AFTER: &[(&str, &[&str])] = &[
    ("SASED-M-3-14", &["SASED-M-2-14"]),
    ("SASED-M-3-21", &["SASED-M-2-21"]),
    ("TL-M-3-14", &["TL-M-2-14"]),
    ("TL-M-3-21", &["TL-M-2-21"]),
];

/// Settings of `[server.answers]` that a case is about, beside `interop`.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("CS-RNG-O-1-", "seeds = \"ignored\"", "seeds = \"used\""),
    (
        "CS-RNG-O-2-",
        "seeds = \"ignored\"",
        "seeds = \"used-in-part\"",
    ),
    ("CS-RNG-O-4-", "seeds = \"ignored\"", "seeds = \"refused\""),
];

/// How a case's messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// TTLV over TLS.
    Ttlv,
    /// TTLV over HTTPS.
    Https,
    /// XML over HTTPS.
    Xml,
    /// JSON over HTTPS.
    Json,
}

impl Encoding {
    /// Its name in the names of tests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ttlv => "ttlv",
            Self::Https => "https",
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }
}

/// A case by its name, `1.4/mandatory/SKLC-M-1-14`.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Folder and name, without the ending.
    pub(crate) name: String,
}

/// The folder of the cases, whether it is there or not.
fn folder() -> PathBuf {
    std::env::var_os("KEYBRIDGE_KMIP_CASES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/kmip/test-cases"),
        PathBuf::from,
    )
}

/// All that are listed, and whatever else is in the folder.
pub(crate) fn all() -> Vec<Case> {
    let mut names: Vec<String> = LISTED.lines().map(str::to_owned).collect();
    let mut found = Vec::new();
    find(&folder(), "", &mut found);
    found.sort();
    found.retain(|name| !names.contains(name));
    names.append(&mut found);
    names.into_iter().map(|name| Case { name }).collect()
}

fn find(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            find(&path, &format!("{prefix}{name}/"), found);
        } else if let Some(name) = name.strip_suffix(".xml") {
            found.push(format!("{prefix}{name}"));
        }
    }
}

/// Whether the tables above speak of cases that there are, and the list is without repeats.
pub(crate) fn check_list() -> Result<(), String> {
    let names: Vec<&str> = LISTED.lines().collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    if once.len() != names.len() {
        return Err("cases.txt names a case twice".to_owned());
    }
    let known = |start: &str| names.iter().any(|name| short(name).starts_with(start));
    let errata = ERRATA.iter().map(|row| row.0);
    let answers = ANSWERS.iter().map(|row| row.0);
    let after = AFTER
        .iter()
        .flat_map(|row| row.1.iter().chain([&row.0]).copied());
    for start in errata.chain(answers).chain(after) {
        if !known(start) {
            return Err(format!("no case begins with {start}"));
        }
    }
    for (case, wrong, _) in ERRATA {
        let there = all()
            .into_iter()
            .find(|one| short(&one.name) == *case && one.is_there());
        if there.is_some_and(|case| !case.published().contains(wrong)) {
            return Err(format!(
                "{case} has been mended: take it off the list of errata"
            ));
        }
    }
    Ok(())
}

fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl Case {
    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        folder().join(format!("{}.xml", self.name))
    }

    /// Whether the file is there.
    pub(crate) fn is_there(&self) -> bool {
        self.path().is_file()
    }

    fn published(&self) -> String {
        fs::read_to_string(self.path()).expect("the case can be read")
    }

    /// The case's text, without its errors.
    pub(crate) fn text(&self) -> String {
        let mut text = self.published();
        for (_, wrong, right) in ERRATA.iter().filter(|row| row.0 == short(&self.name)) {
            text = text.replace(wrong, right);
        }
        text
    }

    /// The encodings in which it is run.
    pub(crate) fn encodings(&self) -> Vec<Encoding> {
        let name = short(&self.name);
        let own = [
            ("MSGENC-HTTPS-", Encoding::Https),
            ("MSGENC-XML-", Encoding::Xml),
            ("MSGENC-JSON-", Encoding::Json),
        ];
        let own = own.iter().find(|(start, _)| name.starts_with(start));
        let mut all = vec![Encoding::Ttlv];
        if self.name.starts_with("2.") {
            all.extend([Encoding::Xml, Encoding::Json]);
        }
        if let Some((_, own)) = own
            && !all.contains(own)
        {
            all.push(*own);
        }
        all
    }

    /// Whether its text must be met byte for byte: it is about the encoding.
    pub(crate) fn is_of_encodings(&self) -> bool {
        short(&self.name).starts_with("MSGENC-")
    }

    /// Whether it is of none of the three sets.
    pub(crate) fn is_other(&self) -> bool {
        self.name.contains(others::FOLDER)
    }

    /// Why it is not met, if it is not.
    pub(crate) fn judgement(&self) -> Option<&'static str> {
        others::judgement(short(&self.name)).filter(|_| self.is_other())
    }

    /// The cases that come before it on the same server.
    pub(crate) fn before(&self) -> Vec<Self> {
        let name = short(&self.name);
        if self.is_other() {
            let row = others::AFTER.iter().find(|row| name.starts_with(row.0));
            let starts = row.map_or(&[][..], |row| row.1);
            let comes = |other: &Self| {
                other.is_other()
                    && starts
                        .iter()
                        .any(|start| short(&other.name).starts_with(start))
            };
            return all().into_iter().filter(comes).collect();
        }
        let row = AFTER.iter().find(|row| row.0 == name);
        let folder = &self.name[..self.name.len() - name.len()];
        row.map_or(&[][..], |row| row.1)
            .iter()
            .map(|before| Self {
                name: format!("{folder}{before}"),
            })
            .collect()
    }

    /// The configuration as the case needs it: a bridge under test, and what the case is about.
    pub(crate) fn configure(&self, configuration: &str) -> String {
        let mut text = configuration.replace("interop = false", "interop = true");
        for (start, usual, own) in ANSWERS {
            if short(&self.name).starts_with(start) {
                assert!(
                    text.contains(usual),
                    "{usual} is no longer what init writes"
                );
                text = text.replace(usual, own);
            }
        }
        text
    }
}
